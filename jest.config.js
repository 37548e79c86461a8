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
	// More than two cores: tests of services and processes mostly wait.
	maxWorkers: 5,
	// Jest keeps modules of earlier files in memory.
	workerIdleMemoryLimit: "800MB",
	// On a busy machine, Node needs seconds to free the memory of a worker whose work is done; Jest would report a leak.
	workerGracefulExitTimeout: 30_000,
	// Conditions are waited for this long on a machine that is busy with other work.
	testTimeout: 300_000,
	globalSetup: "<rootDir>/test/start-servers.mjs",
	globalTeardown: "<rootDir>/test/stop-servers.mjs",
	testSequencer: "<rootDir>/test/sequencer.mjs",
	reporters: ["default", "<rootDir>/test/count-reporter.mjs"],
	projects: ["unit", "integration", "e2e"].map((name) => ({
		...shared,
		displayName: name,
		rootDir: ".",
		testMatch: [`<rootDir>/test/${name}/**/*.test.ts`],
		setupFiles: name === "integration" ? ["<rootDir>/test/integration-environment.mjs"] : [],
	})),
};
