import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, test } from "@jest/globals";
import { cleanUp, commandOf, processesOf, run, startShop, until } from "../../tools/shop-process.ts";
import { notRun } from "../not-run.ts";
import { preparedFolder } from "./prepared-folder.ts";

/** Command that runs a program in a new process namespace, as in a container. */
const CONTAINER = ["unshare", "--pid", "--fork", "--mount-proc"];
const { status, stderr, error } = spawnSync("unshare", ["--pid", "--fork", "--mount-proc", "true"], {
	encoding: "utf8",
});
const why = status === 0 ? undefined : (error?.message ?? stderr.trim());

afterAll(cleanUp);

if (why === undefined) {
	test("two containers that share a folder do not both start a shop in it, not even when only a database of the first is left", async () => {
		const folder = await preparedFolder();
		const shop = await startShop(folder);
		const second = run(folder, ["start"], {}, undefined, CONTAINER);
		expect(await second.ended()).toBe(1);
		expect(second.errors().trim().split("\n").at(-1)).toMatch(
			/is used by a process of another container or machine: stop it, or set TOKO_DIR to another folder$/,
		);

		// Its servers run in their own process groups and so outlive it.
		const { servers } = JSON.parse(readFileSync(join(folder, "parts.json"), "utf8"));
		for (const pid of processesOf(folder).filter((pid) => pid !== servers.NATS.pid)) {
			const isServer = commandOf(pid).startsWith("postgres") || pid === servers.PostgreSQL.pid;
			// A process that has exited since it was listed has no command line.
			if (!isServer && commandOf(pid) !== "") {
				try {
					process.kill(pid, "SIGKILL");
				} catch {
					// It has exited since.
				}
			}
		}
		await shop.ended();
		const third = run(folder, ["start"], {}, undefined, CONTAINER);
		expect(await third.ended()).toBe(1);
		expect(third.errors()).toMatch(/still uses .* in another container or namespace: end it there/);

		const again = await startShop(folder);
		again.child.kill("SIGTERM");
		await again.ended();
		await until("nothing to be left", () => processesOf(folder).length === 0);
	});
} else {
	notRun("two containers that share a folder", why);
}
