import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "@jest/globals";
import { SERVICES } from "./shop.ts";

const program = fileURLToPath(new URL("./stopped-process.ts", import.meta.url));

/** Returns the handles that keep a process alive after its node was stopped. */
async function leftBy(...args: string[]) {
	const { stdout } = await promisify(execFile)(process.execPath, ["--no-warnings", program, ...args]);
	return JSON.parse(stdout);
}

test.each([...SERVICES, "api"])(
	"a node with %s that is stopped right after its start leaves nothing that keeps its process alive",
	async (name) => {
		expect(await leftBy(name)).toEqual([]);
	},
);

test("a node that is stopped when its workers' connection has just broken opens no new one", async () => {
	expect(await leftBy("users", "break-session")).toEqual([]);
});
