import { readFileSync } from "node:fs";
import { afterAll, expect, test } from "@jest/globals";
import { cleanUp, processesOf, run, until } from "../../tools/shop-process.ts";
import { preparedFolder } from "./prepared-folder.ts";

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

test("a cluster whose manager is killed ends by itself; the next one restarts dead processes, and leaves nothing behind when stopped during a replacement", async () => {
	const folder = await preparedFolder({ catalogue: false });
	await run(folder, ["cluster"]).line(/^ready /);
	process.kill(supervisor(folder), "SIGKILL");
	await until("the members to end", () => members(folder).length === 0);

	const cluster = run(folder, ["cluster", "orders=2"]);
	const [, address] = (await cluster.line(/^ready /)).split(" ");
	expect(members(folder)).toHaveLength(6);
	await until("readiness", async () => (await fetch(`${address}/health/ready`)).status === 200);

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
