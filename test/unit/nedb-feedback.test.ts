import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "@jest/globals";

const program = fileURLToPath(new URL("./nedb-feedback-process.ts", import.meta.url));
const BYTES_MAX = 64 * 1024 * 1024;

/** Returns how often V8 has thrown away the optimized code of NeDB's check of documents. */
async function deoptimizations(...args: string[]): Promise<number> {
	const { stdout } = await promisify(execFile)(
		process.execPath,
		// Compiled at once, on a busy machine too, so that the number is always the same.
		["--no-warnings", "--trace-deopt", "--no-concurrent-recompilation", program, ...args],
		{ maxBuffer: BYTES_MAX },
	);
	return stdout.split("\n").filter((line) => /bailout.*JSFunction checkObject/.test(line)).length;
}

test("NeDB's check of documents stays optimized while the products of a file change", async () => {
	const folder = mkdtempSync(join(tmpdir(), "toko-feedback-"));
	try {
		expect(await deoptimizations(join(folder, "products.db"))).toBeLessThan(15);
	} finally {
		rmSync(folder, { recursive: true });
	}
});

test("without feedback it does not, so that database/nedb-feedback.ts is still needed", async () => {
	expect(await deoptimizations()).toBeGreaterThan(300);
});
