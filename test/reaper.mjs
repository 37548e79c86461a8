/**
 * `node test/reaper.mjs <folder>`, started by start-servers.mjs with an IPC channel: kills all processes of the tests, which
 * are those whose environment, arguments or working directory name the folder, stopped ones included. It does so on each
 * message, and when the run has ended in any way, as by SIGKILL; then it also removes the folder.
 */
import { rm } from "node:fs/promises";
import { basename } from "node:path";
import { killAll } from "../tools/shop-process.ts";

const [folder = ""] = process.argv.slice(2);
if (!/^toko-\w+-\w{6}$/.test(basename(folder))) {
	throw new Error(`"${folder}" is no folder of a run of tests: nothing is killed or removed`);
}

process.on("message", async () => {
	await killAll(folder);
	process.send?.("killed");
});

process.on("disconnect", async () => {
	await killAll(folder).finally(() => rm(folder, { recursive: true, force: true }));
	process.exit();
});
if (!process.connected) {
	process.emit("disconnect");
}
