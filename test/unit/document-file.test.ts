import { type ChildProcess, execFileSync, fork } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeEach, expect, test } from "@jest/globals";
import type { Ask } from "./document-file-process.ts";

// A separate process, because a file size limit applies to all files of a process.

const folder = mkdtempSync(join(tmpdir(), "toko-file-"));
let files = 0;
let file: string;
let child: ChildProcess;
let asked: number;

beforeEach(async () => {
	files++;
	file = join(folder, `${files}.db`);
	await open();
	// Larger than any other file that the process might write to test the limit.
	await ask("insert", { _id: "tea", text: "x".repeat(100_000) });
});

afterEach(() => {
	child.kill("SIGKILL");
});

afterAll(() => rmSync(folder, { recursive: true }));

async function open(): Promise<void> {
	child = fork(new URL("./document-file-process.ts", import.meta.url), [file], {
		execArgv: ["--no-warnings"],
	});
	asked = 0;
	await answered(0);
}

function answered(number: number): Promise<unknown> {
	return new Promise((resolve, reject) => {
		child.once("exit", (code, signal) => reject(new Error(`ended by ${signal ?? code}`)));
		child.on("message", (message: { number: number; result?: unknown; failure?: string }) => {
			if (message.number === number) {
				message.failure === undefined ? resolve(message.result) : reject(new Error(message.failure));
			}
		});
	});
}

function ask(method: Ask["method"], parameter?: object): Promise<unknown> {
	asked++;
	child.send({ number: asked, method, parameter } satisfies Ask);
	return answered(asked);
}

/** Sets the maximum size of a file, as a file system or quota would: larger writes fail with EFBIG. */
function limitFiles(bytes: number | "unlimited"): void {
	execFileSync("prlimit", ["--pid", String(child.pid), `--fsize=${bytes}:unlimited`]);
}

const isHealthy = () =>
	ask("ping").then(
		() => true,
		() => false,
	);

test("a file that cannot be written is unhealthy until it can, whatever happens to other files of its folder", async () => {
	// Space for the mark of a batch, but not for a document.
	limitFiles(statSync(file).size + 100);
	const document = { _id: "coffee", text: "x".repeat(1000) };
	await expect(ask("insert", document)).rejects.toThrow(/could not be written/);
	for (let time = 0; time < 3; time++) {
		expect(await isHealthy()).toBe(false);
	}
	await expect(ask("insert", document)).rejects.toThrow(/could not be written/);
	expect(await isHealthy()).toBe(false);

	limitFiles("unlimited");
	expect(await isHealthy()).toBe(true);
	await ask("insert", document);
	expect(await ask("count", {})).toBe(2);
});

test("probing a file leaves it unchanged, even during writes", async () => {
	limitFiles(statSync(file).size);
	await expect(ask("insert", { _id: "coffee" })).rejects.toThrow(/could not be written/);
	limitFiles("unlimited");
	const before = readFileSync(file);
	expect(await isHealthy()).toBe(true);
	expect(readFileSync(file)).toEqual(before);

	limitFiles(statSync(file).size);
	await expect(ask("insert", { _id: "coffee" })).rejects.toThrow(/could not be written/);
	limitFiles("unlimited");
	await Promise.all(["a", "b", "c"].flatMap((_id) => [ask("ping"), ask("insert", { _id })]));
	await ask("disconnect");
	child.kill("SIGKILL");
	await open();
	expect(await ask("count", {})).toBe(4);
});
