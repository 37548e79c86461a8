import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { holder, ownProductsFile, takeLock } from "../../infra/lock.ts";
import { StartError } from "../../infra/start-error.ts";

let folder: string;
let rivals: Rival[];

beforeEach(async () => {
	folder = await mkdtemp(join(tmpdir(), "toko-lock-"));
	rivals = [];
});

afterEach(async () => {
	await Promise.all(rivals.map((rival) => rival.kill()));
	await rm(folder, { recursive: true, force: true });
});

test("a lock has one holder until that one releases it", async () => {
	const file = join(folder, "toko.lock");
	const lock = await takeLock(file, () => "taken");
	expect(holder(file)?.pid).toBe(process.pid);
	expect(await (await startRival()).takes(file)).toBe(false);
	await expect(takeLock(file, (pid) => `taken by ${pid}`)).rejects.toThrow(`taken by ${process.pid}`);

	lock.release();
	expect(holder(file)).toBeNull();
	expect(await (await startRival()).takes(file)).toBe(true);
	await expect(takeLock(file, () => "taken")).rejects.toBeInstanceOf(StartError);
});

test("a holder that was killed holds nothing", async () => {
	const file = join(folder, "toko.lock");
	const rival = await startRival();
	expect(await rival.takes(file)).toBe(true);
	expect(holder(file)?.pid).toBe(rival.pid);
	await rival.kill();
	expect(holder(file)).toBeNull();
	await takeLock(file, () => "taken");
	expect(holder(file)?.pid).toBe(process.pid);
});

test("a pid that now belongs to another process holds nothing, nor does a damaged file", async () => {
	const stale = [
		JSON.stringify({ pid: 1, started: "before this boot" }),
		JSON.stringify({ pid: process.pid, started: "before this boot" }),
		JSON.stringify({ pid: process.pid }),
		String(process.pid),
		'{"pid": 1',
		"null",
		"",
	];
	for (const text of stale) {
		const file = join(folder, "toko.lock");
		await writeFile(file, text);
		expect(holder(file)).toBeNull();
		(await takeLock(file, () => "taken")).release();
	}
});

test("of processes that see the same stale lock exactly one takes it", async () => {
	const many = await Promise.all(Array.from({ length: 6 }, startRival));
	const stale = JSON.stringify({ pid: process.pid, started: "before this boot" });
	for (let round = 0; round < 50; round++) {
		const file = join(folder, `round-${round}.lock`);
		await writeFile(file, stale);
		// In every other round, a process was killed while it was taking over the stale lock.
		if (round % 2 === 1) {
			await writeFile(`${file}.takeover`, stale);
		}
		const won = await Promise.all(many.map((rival) => rival.takes(file)));
		expect(won.filter(Boolean)).toHaveLength(1);
		expect(holder(file)?.pid).toBe(many[won.indexOf(true)]?.pid);
	}
	const locks = Array.from({ length: 50 }, (_, round) => `round-${round}.lock`);
	expect((await readdir(folder)).sort()).toEqual(locks.sort());
});

test("a lock that passes from hand to hand is never in two", async () => {
	const file = join(folder, "counted.lock");
	const counter = join(folder, "counter");
	await writeFile(counter, "0");
	const many = await Promise.all(Array.from({ length: 4 }, startRival));
	await Promise.all(many.map((rival) => rival.counts(file, counter, 100)));
	// Each reads, increments and writes under the lock: concurrent updates would lose one.
	expect(await readFile(counter, "utf8")).toBe("400");
});

test("the NeDB file has one owner, and others are told what to do", async () => {
	const rival = await startRival();
	expect(await rival.takes(join(folder, "products.lock"))).toBe(true);
	const refusal = ownProductsFile(folder);
	await expect(refusal).rejects.toBeInstanceOf(StartError);
	await expect(refusal).rejects.toThrow(
		new RegExp(`process ${rival.pid}.*one owner.*npm run mongo.*MONGO_URL`),
	);
});

/** Another process that executes commands line by line and holds the locks it acquires. */
class Rival {
	pid: number;
	#child: ChildProcess;
	#answers: AsyncIterator<string>;

	constructor(child: ChildProcess) {
		this.#child = child;
		this.pid = child.pid as number;
		this.#answers = createInterface({ input: child.stdout as NodeJS.ReadableStream })[Symbol.asyncIterator]();
	}

	async takes(file: string): Promise<boolean> {
		return (await this.#ask({ file })) === "won";
	}

	async counts(file: string, counter: string, times: number): Promise<void> {
		await this.#ask({ file, counter, times });
	}

	async ready(): Promise<this> {
		await this.#answers.next();
		return this;
	}

	async kill(): Promise<void> {
		if (this.#child.exitCode !== null || this.#child.signalCode !== null) {
			return;
		}
		const ended = new Promise((resolve) => this.#child.once("exit", resolve));
		this.#child.kill("SIGKILL");
		await ended;
	}

	async #ask(order: object): Promise<string> {
		this.#child.stdin?.write(`${JSON.stringify(order)}\n`);
		return (await this.#answers.next()).value;
	}
}

async function startRival(): Promise<Rival> {
	const script = `
		import { readFileSync, writeFileSync } from "node:fs";
		import { createInterface } from "node:readline";
		import { tryLock } from ${JSON.stringify(new URL("../../infra/pid-lock.mjs", import.meta.url).href)};
		console.log("ready");
		for await (const line of createInterface({ input: process.stdin })) {
			const { file, counter, times } = JSON.parse(line);
			if (times === undefined) { console.log(tryLock(file) ? "won" : "lost"); continue; }
			for (let done = 0; done < times; ) {
				const lock = tryLock(file);
				if (lock === null) continue;
				writeFileSync(counter, String(Number(readFileSync(counter, "utf8")) + 1));
				lock.release();
				done++;
			}
			console.log("done");
		}`;
	const child = spawn(process.execPath, ["--input-type=module", "-e", script], {
		stdio: ["pipe", "pipe", "inherit"],
	});
	const rival = new Rival(child);
	rivals.push(rival);
	return rival.ready();
}
