import { readFileSync } from "node:fs";
import { afterAll, expect, test } from "@jest/globals";
import { cleanUp, newFolder, processesOf, run, until } from "../../tools/shop-process.ts";

afterAll(cleanUp);

/** Returns the processes of a shop whose command line contains a text. */
function running(folder: string, text: string): number[] {
	return processesOf(folder).filter((pid) => {
		try {
			return readFileSync(`/proc/${pid}/cmdline`, "latin1").split("\0").join(" ").includes(text);
		} catch {
			return false;
		}
	});
}

const supervisor = (folder: string) => running(folder, "cli/cluster.ts")[0] as number;
const members = (folder: string) => running(folder, "cli/node.ts");

test("a cluster whose own process is killed ends by itself; the next one starts what dies again, and leaves nothing behind where it is stopped in the middle of a replacement", async () => {
	const folder = newFolder();
	await run(folder, ["cluster"]).line(/^ready /);
	process.kill(supervisor(folder), "SIGKILL");
	await until("the members to end", () => members(folder).length === 0);

	const cluster = run(folder, ["cluster", "orders=2"]);
	const [, address] = (await cluster.line(/^ready /)).split(" ");
	expect(members(folder)).toHaveLength(6);
	expect((await fetch(`${address}/health/ready`)).status).toBe(200);

	const [dying] = running(folder, "cli/node.ts orders") as [number];
	process.kill(dying, "SIGKILL");
	await until("another orders process", () => {
		const found = running(folder, "cli/node.ts orders");
		return found.length === 2 && !found.includes(dying);
	});

	const before = members(folder);
	process.kill(supervisor(folder), "SIGUSR2");
	await until("the first new process", () => members(folder).some((pid) => !before.includes(pid)));
	process.kill(supervisor(folder), "SIGTERM");
	expect(await cluster.ended()).toBe(0);
	expect(cluster.output()).not.toMatch(/^replaced all/m);
	await until("nothing to be left", () => processesOf(folder).length === 0);
});

test.each([
	["orders=x", /NAME=COUNT/],
	["foo=2", /foo/],
	["orders=60 api=60", /1 to 64 processes/],
])("a cluster of %s is refused with what is meant", async (given, reason) => {
	const command = run(newFolder(), ["cluster", ...given.split(" ")]);
	expect(await command.ended()).toBe(1);
	expect(command.errors()).toMatch(reason);
	expect(command.errors().trim().split("\n")).toHaveLength(1);
});
