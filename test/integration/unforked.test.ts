import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import type { ServiceBroker } from "moleculer";
import { childEnvironment } from "../../config/settings.ts";
import { startNode } from "./shop.ts";

const program = fileURLToPath(new URL("./unforked-process.ts", import.meta.url));
let shop: ServiceBroker;

beforeAll(async () => {
	// Creates the database.
	shop = await startNode("notifications");
});

afterAll(() => shop.stop());

test("a delivery worker that cannot be started is started later, and the service reports it meanwhile", async () => {
	const { stdout } = await promisify(execFile)(process.execPath, ["--no-warnings", program], {
		env: childEnvironment(),
		timeout: 240_000,
	});
	const lines = stdout.trim().split("\n");
	expect(lines.slice(0, -1)).toEqual(["ready", "not started", "ready again"]);
	expect(JSON.parse(lines.at(-1) as string)).toEqual([
		"The delivery worker could not be started: spawn /nonexistent/node ENOENT",
	]);
});
