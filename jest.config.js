/** @type {import("jest").Config} */
const shared = {
	extensionsToTreatAsEsm: [".ts"],
	moduleFileExtensions: ["ts", "mjs", "cjs", "js", "json"],
	testEnvironment: "node",
	transform: {
		"^.+\\.ts$": [
			"@swc/jest",
			{ jsc: { parser: { syntax: "typescript" }, target: "es2024" }, module: { type: "es6" } },
		],
	},
};

/** @type {import("jest").Config} */
export default {
	// Two cores: one for the tests, one for the servers that they talk to.
	maxWorkers: 2,
	testTimeout: 60_000,
	globalSetup: "<rootDir>/test/start-servers.mjs",
	globalTeardown: "<rootDir>/test/stop-servers.mjs",
	reporters: ["default", "<rootDir>/test/count-reporter.mjs"],
	projects: ["unit", "integration", "e2e", "chaos"].map((name) => ({
		...shared,
		displayName: name,
		rootDir: ".",
		testMatch: [`<rootDir>/test/${name}/**/*.test.ts`],
		setupFiles: name === "integration" ? ["<rootDir>/test/integration-environment.mjs"] : [],
	})),
};
