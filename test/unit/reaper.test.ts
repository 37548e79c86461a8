import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { expect, test } from "@jest/globals";

test("when a run of tests has died, its processes are killed, stopped ones too, and its folder is removed", async () => {
	const folder = mkdtempSync(join(tmpdir(), "toko-reaped-"));
	const child = spawn(process.execPath, ["--eval", "setInterval(() => 0, 1000)"], {
		env: { TOKO_DIR: folder },
		detached: true,
	});
	const other = spawn(process.execPath, ["--eval", "setInterval(() => 0, 1000)"]);
	await Promise.all([once(child, "spawn"), once(other, "spawn")]);
	child.kill("SIGSTOP");
	const ended = once(child, "exit");
	const reaper = spawn(process.execPath, [resolve(import.meta.dirname, "../reaper.mjs"), folder], {
		stdio: ["ignore", "ignore", "inherit", "ipc"],
	});
	reaper.disconnect();
	const [[, signal]] = await Promise.all([ended, once(reaper, "exit")]);
	expect(signal).toBe("SIGKILL");
	expect(existsSync(folder)).toBe(false);
	expect(other.exitCode ?? other.signalCode).toBeNull();
	other.kill();
});
