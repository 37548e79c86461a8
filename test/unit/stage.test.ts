import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "@jest/globals";
import { Interrupted } from "../../hosting/interruption.ts";
import { withCluster } from "../../tools/chaos/stage.ts";

test.each<[string, () => Promise<{ violations: string[] }>, boolean]>([
	["that breaks no promise are removed", async () => ({ violations: [] }), false],
	["that breaks one are kept", async () => ({ violations: ["an order is lost"] }), true],
	["that fails are kept", () => Promise.reject(new Error("no NATS")), true],
	["that is interrupted are kept", () => Promise.reject(new Interrupted("SIGINT", true)), true],
	["of which nobody reads the output are removed", () => Promise.reject(new Interrupted("it", false)), false],
])("logs and data of a run of chaos %s, and its cluster is stopped", async (_, work, isKept) => {
	const folder = mkdtempSync(join(tmpdir(), "toko-stage-"));
	let isStopped = false;
	const stop = async () => {
		isStopped = true;
	};
	const said: string[] = [];
	const stage = { log: (line: string) => said.push(line), interrupted: new Promise<never>(() => undefined) };
	await withCluster({ folder, stop }, stage, work).catch(() => undefined);
	expect({ isStopped, isKept: existsSync(folder), said }).toEqual({
		...{ isStopped: true, isKept },
		said: isKept ? [`logs and data are kept in ${folder}`] : [],
	});
	rmSync(folder, { recursive: true, force: true });
});
