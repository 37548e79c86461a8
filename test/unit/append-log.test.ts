import { appendFileSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "@jest/globals";
import fc from "fast-check";
import { AppendLog, DamagedFile } from "../../database/append-log.ts";

const folder = mkdtempSync(join(tmpdir(), "toko-log-"));
let files = 0;

afterAll(() => rmSync(folder, { recursive: true }));

function newFile(): string {
	files++;
	return join(folder, `${files}.db`);
}

function openLog(file: string): Promise<AppendLog> {
	return AppendLog.open(file, (error) => {
		throw error;
	});
}

/** Returns the lines of a file without the marks of its batches. */
function linesOf(file: string): string[] {
	return readFileSync(file, "utf8")
		.split("\n")
		.filter((line) => line !== "" && !line.startsWith('{"$$batch"'));
}

const line = fc.string().map((text) => JSON.stringify({ text }));
const batches = fc.array(fc.array(line, { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 6 });

async function written(file: string, content: string[][]): Promise<number[]> {
	const log = await openLog(file);
	const ends: number[] = [];
	for (const lines of content) {
		await log.append(lines.map((one) => `${one}\n`).join(""));
		ends.push(log.size);
	}
	await log.close();
	return ends;
}

test("a file that ends anywhere holds every batch that was confirmed by then, and no part of another", async () => {
	await fc.assert(
		fc.asyncProperty(batches, fc.nat(), async (content, cut) => {
			const file = newFile();
			const ends = await written(file, content);
			const length = cut % ((ends.at(-1) as number) + 1);
			truncateSync(file, length);
			await (await openLog(file)).close();
			const kept = ends.filter((end) => end <= length).length;
			expect(linesOf(file)).toEqual(content.slice(0, kept).flat());
		}),
	);
});

test("pages of a batch that never reached the disk take the rest of that batch with them", async () => {
	await fc.assert(
		fc.asyncProperty(batches, fc.nat(), async (content, at) => {
			const file = newFile();
			const ends = await written(file, content);
			const begin = ends.at(-2) ?? 0;
			const bytes = readFileSync(file);
			// As a file system leaves blocks that were not written.
			bytes.fill(0, Math.max(begin, bytes.indexOf("\n") + 1) + (at % 8), bytes.length - 3);
			writeFileSync(file, bytes);
			await (await openLog(file)).close();
			expect(linesOf(file)).toEqual(content.slice(0, -1).flat());
		}),
	);
});

test("what was confirmed and is no longer as it was written is damage, told by its lines", async () => {
	const file = newFile();
	await written(file, [['{"a":1}'], ['{"b":2}'], ['{"c":3}']]);
	writeFileSync(file, readFileSync(file, "utf8").replace('"b":2', '"b":9'));
	await expect(openLog(file)).rejects.toThrow(DamagedFile);
	await expect(openLog(file)).rejects.toThrow(/damaged between lines 4 and 5/);
});

test("a file of an earlier version, without marks, loses only a line that a kill cut short", async () => {
	const file = newFile();
	writeFileSync(file, '{"a":1}\n{"b":2}\n{"half a li');
	const log = await openLog(file);
	await log.append('{"c":3}\n');
	await log.close();
	appendFileSync(file, '{"d":4}\n');
	await (await openLog(file)).close();
	expect(linesOf(file)).toEqual(['{"a":1}', '{"b":2}', '{"c":3}']);
});

test("appends that come together share a batch and keep their order", async () => {
	const file = newFile();
	const log = await openLog(file);
	const numbers = Array.from({ length: 100 }, (_, number) => `{"number":${number}}`);
	await Promise.all(numbers.map((one) => log.append(`${one}\n`)));
	await log.close();
	expect(linesOf(file)).toEqual(numbers);
	expect(readFileSync(file, "utf8").match(/\$\$batch/g)?.length).toBeLessThan(5);
});

test("a file that is written anew has the new lines, and takes more", async () => {
	const file = newFile();
	const log = await openLog(file);
	await log.append('{"old":1}\n{"old":2}\n');
	await log.rewrite(['{"new":1}\n']);
	await log.append('{"new":2}\n');
	await log.close();
	await (await openLog(file)).close();
	expect(linesOf(file)).toEqual(['{"new":1}', '{"new":2}']);
});
