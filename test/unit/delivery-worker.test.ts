import { execFileSync } from "node:child_process";
import { resolve } from "node:path";
import { expect, test } from "@jest/globals";

const repository = resolve(import.meta.dirname, "../..");

/** Prints the packages that the worker has loaded, without waiting for its database, which is nowhere. */
const PROGRAM = `
	import { createRequire } from "node:module";
	await import("./services/notifications/delivery-worker.ts");
	const { cache } = createRequire(import.meta.url);
	const names = Object.keys(cache).map((path) => /.*node_modules.((?:@[^/\\\\]+.)?[^/\\\\]+)/.exec(path)?.[1]);
	console.log(JSON.stringify([...new Set(names)]));
	process.exit();
`;

test("the delivery worker, of which each process of notifications has one, loads no broker", () => {
	const given = ["--disable-warning=ExperimentalWarning", "--input-type=module", "--eval", PROGRAM];
	const output = execFileSync(process.execPath, given, {
		cwd: repository,
		env: { POSTGRES_URL: "postgres://toko@127.0.0.1:1/toko", METRICS_PORT: "off" },
		encoding: "utf8",
	});
	const packages = JSON.parse(output);
	expect(packages).toContain("pg");
	expect(packages).not.toContain("moleculer");
	expect(packages).not.toContain("nats");
});
