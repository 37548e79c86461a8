import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "@jest/globals";

const program = fileURLToPath(new URL("./tick-objects-process.ts", import.meta.url));

/** Returns how often V8 has made the map of tick objects. */
async function mapsMade(...args: string[]): Promise<number> {
	const folder = mkdtempSync(join(tmpdir(), "toko-ticks-"));
	const log = join(folder, "v8.log");
	try {
		const logging = ["--log-maps", `--logfile=${log}`, "--no-logfile-per-isolate"];
		await promisify(execFile)(process.execPath, [
			"--no-warnings",
			"--expose-gc",
			...logging,
			program,
			...args,
		]);
		const lines = readFileSync(log, "latin1").split("\n");
		return lines.filter((line) => /^map,Transition,.*"trigger_async_id_symbol"/.test(line)).length;
	} finally {
		rmSync(folder, { recursive: true });
	}
}

test("in a command, the map of tick objects outlives garbage collections, so that process.nextTick stays optimized", async () => {
	expect(await mapsMade("command")).toBe(1);
});

test("without a kept object it does not, so that processes/tick-objects.ts is still needed", async () => {
	expect(await mapsMade()).toBeGreaterThan(1);
});
