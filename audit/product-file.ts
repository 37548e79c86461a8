import { existsSync } from "node:fs";
import { open } from "node:fs/promises";
import { basename } from "node:path";
import { DamagedFile, inspectLog, linesOf } from "../mixins/append-log.ts";
import { NOTES, type Notes } from "../mixins/document-file.ts";
import type { ProductDocument } from "../services/products/model.ts";
import type { Finding, Look } from "./audit.ts";

type Change = ProductDocument & { $$deleted?: boolean };

/**
 * Reads NeDB's file without opening it as its owner does, of which there is one: a line for each change, the last one of
 * each product counts. In memory is where that stands.
 */
export async function* productsInFile(file: string): AsyncGenerator<ProductDocument> {
	if (!existsSync(file)) {
		return;
	}
	const handle = await open(file);
	try {
		// What is added from here on is not looked at; where the file is written anew, this one stays as it is.
		const { size } = await handle.stat();
		const changes = () => linesOf(handle.createReadStream({ start: 0, end: size - 1, autoClose: false }));
		const last = new Map<string, number>();
		for await (const { from, bytes } of size > 0 ? changes() : []) {
			const change = parse(bytes);
			if (change?._id) {
				last.set(change._id, from);
			}
		}
		const current = new Set(last.values());
		last.clear();
		for await (const { from, bytes } of current.size > 0 ? changes() : []) {
			const change = current.has(from) ? parse(bytes) : undefined;
			if (change && !change.$$deleted) {
				yield change;
			}
		}
	} finally {
		await handle.close();
	}
}

/** What the file tells of itself; see FileAdapter. */
export async function notesOfFile(file: string): Promise<Notes> {
	let notes: Notes = {};
	if (!existsSync(file)) {
		return notes;
	}
	const handle = await open(file);
	try {
		for await (const { bytes } of linesOf(handle.createReadStream({ autoClose: false }))) {
			if (bytes.subarray(0, NOTES.length).toString() === NOTES) {
				notes = (JSON.parse(bytes.toString()) as { $$notes: Notes }).$$notes;
			}
		}
	} finally {
		await handle.close();
	}
	return notes;
}

/**
 * Whether the products' file is as it was written, by the marks of its batches, and no product was deleted from it: the
 * shop never does that. A deletion is seen until the file is written anew.
 */
export async function lookAtProductFile(file: string): Promise<Look> {
	const look: Look = { check: "the products' file is whole", looked_at: 0, under_way: 0, findings: [] };
	if (!existsSync(file)) {
		return look;
	}
	const document = `file ${basename(file)}`;
	try {
		const { lines_read, damaged } = await inspectLog(file);
		look.looked_at = lines_read;
		if (damaged) {
			const what = `is damaged between lines ${damaged.from} and ${damaged.to}: the next start drops them`;
			look.findings.push({ document, what });
		}
	} catch (error) {
		if (!(error instanceof DamagedFile)) {
			throw error;
		}
		look.looked_at = 1;
		look.findings.push({ document, what: error.message.replace(`${file} `, "") });
	}
	look.findings.push(...(await deletions(file)));
	return look;
}

async function deletions(file: string): Promise<Finding[]> {
	const deleted = new Set<string>();
	const handle = await open(file);
	try {
		for await (const { bytes } of linesOf(handle.createReadStream({ autoClose: false }))) {
			if (deleted.size > 0 || bytes.includes('"$$deleted"')) {
				const change = parse(bytes);
				deleted[change?.$$deleted ? "add" : "delete"](change?._id ?? "");
			}
		}
	} finally {
		await handle.close();
	}
	return [...deleted].map((id) => ({ document: `product ${id}`, what: "was deleted from the file" }));
}

/** The last line may be half written at this moment; damaged ones are told of by their batch. */
function parse(line: Buffer): Change | undefined {
	try {
		return JSON.parse(line.toString("utf8"));
	} catch {
		return undefined;
	}
}
