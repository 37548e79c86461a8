import { existsSync, readdirSync, readFileSync } from "node:fs";
import { constants } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "@jest/globals";
import { isRunning } from "../../processes/child.ts";
import { cleanUp, newFolder, processesOf, run, startShop, until } from "../../tools/shop-process.ts";
import { preparedFolder } from "./prepared-folder.ts";

afterAll(cleanUp);

/** Runs a command whose temporary folders, including those of its clusters, are in this folder. */
function runIn(folder: string, ...args: string[]) {
	return run(folder, args, { TMPDIR: folder });
}

/** Tells whether the servers of a shop's folder are running. */
function isUp(folder: string): boolean {
	const file = join(folder, "parts.json");
	return existsSync(file) && "main" in JSON.parse(readFileSync(file, "utf8"));
}

test("a bench leaves nothing behind when its output is closed after the first line", async () => {
	const folder = newFolder();
	const command = runIn(folder, "bench", "hot", "--shape", "one");
	await command.line(/./);
	command.child.stdout?.destroy();
	expect(await command.ended()).toBe(1);
	expect(command.errors()).toBe("toko: interrupted by the end of its output's reader\n");
	await until("no process to be left", () => processesOf(folder).length === 0);
	expect(readdirSync(folder).filter((name) => name.startsWith("toko-"))).toEqual([]);
});

test("a run of chaos that is interrupted on a terminal ends its cluster and keeps its logs", async () => {
	const folder = newFolder();
	const chaos = runIn(folder, "chaos", "--rolling");
	const own = (await chaos.line(/^starting a cluster /)).replace(/.* in /, "");
	await until("processes of the cluster", () => processesOf(own).length > 3);
	chaos.child.kill("SIGINT");
	expect(await chaos.ended()).toBe(1);
	expect(chaos.output()).toContain(`logs and data are kept in ${own}`);
	expect(chaos.errors()).toBe("toko: interrupted by SIGINT\n");
	await until("no process to be left", () => processesOf(folder).length === 0);
	expect(existsSync(own)).toBe(true);
});

test("a run of the tests that is interrupted ends its servers", async () => {
	const folder = newFolder();
	const tests = runIn(folder, "test", "unit/");
	const own = () => readdirSync(folder).filter((name) => name.startsWith("toko-test-"));
	await until("its servers", () => own().some((name) => isUp(join(folder, name))));
	tests.child.kill("SIGTERM");
	// 1 if it is still starting them.
	expect([1, 128 + constants.signals.SIGTERM]).toContain(await tests.ended());
	await until("nothing to be left", () => processesOf(folder).length === 0);
});

test.each([["start"], ["cluster"]])(
	"npm run %s ends in order when its output is closed after the first line",
	async (...args) => {
		const folder = newFolder();
		const command = runIn(folder, ...args);
		await command.line(/./);
		command.child.stdout?.destroy();
		expect(await command.ended()).toBe(0);
		await until("no process to be left", () => processesOf(folder).length === 0);
	},
);

test("a short command completes even if nobody reads its output; an interrupted audit ends its servers", async () => {
	const folder = await preparedFolder();
	const shop = await startShop(folder);
	const status = run(folder, ["status"]);
	status.child.stdout?.destroy();
	expect(await status.ended()).toBe(0);
	expect(status.errors()).toBe("");
	shop.child.kill("SIGTERM");
	await shop.ended();

	const unread = run(folder, ["audit"]);
	unread.child.stdout?.destroy();
	expect(await unread.ended()).toBe(0);
	let stopped = run(folder, ["audit"]);
	await until("an audit to be interrupted", async () => {
		await until("its servers", () => isUp(folder) || !isRunning(stopped.child));
		stopped.child.kill("SIGTERM");
		if ((await stopped.ended()) === 1) {
			return true;
		}
		// It was over before.
		stopped = run(folder, ["audit"]);
		return false;
	});
	expect(stopped.errors()).toMatch(/^toko: (interrupted|stopped) by SIGTERM/m);
	await until("no process to be left", () => processesOf(folder).length === 0);
});
