import { existsSync } from "node:fs";
import { open, stat } from "node:fs/promises";
import { basename } from "node:path";
import { DamagedFile, inspectLog, linesOf } from "../../database/append-log.ts";
import { METADATA, type Metadata } from "../../database/document-file.ts";
import type { FurtherLine, SecondaryLine } from "../../database/nedb-collections.ts";
import {
	type GroupDocument,
	type HoldPage,
	PRODUCT_GROUPS,
	type ProductDocument,
} from "../../services/products/documents.ts";
import { FINDINGS_MAX } from "./check.ts";
import type { CheckResult, Finding } from "./finding.ts";
import { listedPages, withPages } from "./hold-pages.ts";
import type { Stock, VariantRow } from "./snapshot.ts";

type Change = ProductDocument & { $$deleted?: boolean } & Partial<SecondaryLine<HoldPage>> &
	Partial<FurtherLine<GroupDocument>>;

/**
 * Reads NeDB's file without loading it as its owner does, since it can have only one owner. Each line is a change; the
 * last change of each product and page is the current one. Memory holds only the offsets of these lines.
 */
export async function* productsInFile(file: string): AsyncGenerator<ProductDocument & Pick<Stock, "pages">> {
	if (!existsSync(file)) {
		return;
	}
	const handle = await open(file);
	try {
		// Ignores changes appended from now on. If the file is compacted, this handle still reads the old file.
		const { size } = await handle.stat();
		const changes = () => linesOf(handle.createReadStream({ start: 0, end: size - 1, autoClose: false }));
		const last = new Map<string, number>();
		const pages = new Map<string, { from: number; length: number }>();
		for await (const { from, bytes } of size > 0 ? changes() : []) {
			const change = parse(bytes);
			if (change?._id) {
				last.set(change._id, from);
			} else if (change?.$$beside) {
				pages.set(change.$$beside._id, { from, length: bytes.length });
			}
		}
		const pageOf = async (id: string): Promise<HoldPage[]> => {
			const { from = 0, length = 0 } = pages.get(id) ?? {};
			const { buffer } = await handle.read(Buffer.alloc(length), 0, length, from);
			const page = parse(buffer)?.$$beside;
			return page && !("$$deleted" in page) ? [page] : [];
		};
		const current = new Set(last.values());
		last.clear();
		for await (const { from, bytes } of current.size > 0 ? changes() : []) {
			const change = current.has(from) ? parse(bytes) : undefined;
			if (change && !change.$$deleted) {
				yield { ...change, pages: (await Promise.all(listedPages(change).map(pageOf))).flat() };
			}
		}
	} finally {
		await handle.close();
	}
}

/** Reads the products on sale that have a group. */
export async function* variantsInFile(file: string): AsyncGenerator<VariantRow> {
	for await (const product of productsInFile(file)) {
		if (product.group_id != null && product.removed_at === null) {
			yield product;
		}
	}
}

/** Reads the groups of products, including removed ones. */
export async function groupsInFile(file: string): Promise<GroupDocument[]> {
	const groups = new Map<string, GroupDocument>();
	if (!existsSync(file)) {
		return [];
	}
	const handle = await open(file);
	try {
		for await (const { bytes } of linesOf(handle.createReadStream({ autoClose: false }))) {
			const { $$in, document } = parse(bytes) ?? {};
			if ($$in === PRODUCT_GROUPS && document && !("$$deleted" in document)) {
				groups.set(document._id, document);
			} else if ($$in === PRODUCT_GROUPS && document) {
				groups.delete(document._id);
			}
		}
	} finally {
		await handle.close();
	}
	return [...groups.values()];
}

/** Reads the metadata of the file; see FileAdapter. */
export async function metadataOfFile(file: string): Promise<Metadata> {
	let notes: Metadata = {};
	if (!existsSync(file)) {
		return notes;
	}
	const handle = await open(file);
	try {
		for await (const { bytes } of linesOf(handle.createReadStream({ autoClose: false }))) {
			if (bytes.subarray(0, METADATA.length).toString() === METADATA) {
				notes = (JSON.parse(bytes.toString()) as { $$notes: Metadata }).$$notes;
			}
		}
	} finally {
		await handle.close();
	}
	return notes;
}

/**
 * Yields the current state of some products on each call, reading only the lines appended since the previous call.
 *
 * @returns Undefined if the file was compacted in the meantime.
 */
export async function* followInFile(
	file: string,
	ids: ReadonlySet<string>,
): AsyncGenerator<Map<string, Stock> | undefined, void> {
	const handle = await open(file);
	try {
		const latest = new Map<string, ProductDocument>();
		const pages = new Map<string, HoldPage>();
		const { ino } = await handle.stat();
		for (let read = 0; ; ) {
			const { size } = await handle.stat();
			const added = () => handle.createReadStream({ start: read, end: size - 1, autoClose: false });
			for await (const { from, bytes } of size > read ? linesOf(added(), read) : []) {
				read = from + bytes.length;
				const change = parse(bytes);
				if (change?._id && ids.has(change._id)) {
					latest.set(change._id, change);
				}
				const page = change?.$$beside;
				if (page && "$$deleted" in page) {
					pages.delete(page._id);
				} else if (page && ids.has(page.product_id)) {
					pages.set(page._id, page);
				}
			}
			const isSame = (await stat(file)).ino === ino;
			yield isSame ? new Map([...latest].map(([id, product]) => [id, withPages(product, pages)])) : undefined;
		}
	} finally {
		await handle.close();
	}
}

/**
 * Checks the products' file against the marks (length and checksum) of its batches, that the next start can read each
 * line, and that no product was deleted, which the shop never does. A deletion is visible until the file is compacted.
 */
export async function checkProductFile(file: string): Promise<CheckResult> {
	const result: CheckResult = {
		check: "the products' file is intact",
		remedy:
			"Stop products, keep a copy of the file, and restore the last good copy; if a single line is unreadable, remove it together with the marker of its batch.",
		checked: 0,
		in_progress: 0,
		findings: [],
	};
	if (!existsSync(file)) {
		return result;
	}
	const document = `file ${basename(file)}`;
	let confirmed = 0;
	try {
		const inspected = await inspectLog(file);
		const { lines_read, damaged } = inspected;
		confirmed = inspected.confirmed;
		result.checked = lines_read;
		if (damaged) {
			const what = `is damaged between lines ${damaged.from} and ${damaged.to}: the next start drops them`;
			result.findings.push({ document, what });
		}
	} catch (error) {
		if (!(error instanceof DamagedFile)) {
			throw error;
		}
		result.checked = 1;
		result.findings.push({ document, what: error.message.replace(`${file} `, "") });
	}
	result.findings.push(...(await readEachLine(file, confirmed)));
	return result;
}

/**
 * Parses each line of the file.
 *
 * @param confirmed Offset up to which the next start reads lines.
 */
async function readEachLine(file: string, confirmed: number): Promise<Finding[]> {
	const findings: Finding[] = [];
	const deleted = new Set<string>();
	const handle = await open(file);
	try {
		let number = 0;
		for await (const { from, bytes } of linesOf(handle.createReadStream({ autoClose: false }))) {
			number++;
			const change = parse(bytes);
			if (from < confirmed && isRefused(bytes, change) && findings.length < FINDINGS_MAX) {
				const what = "cannot be read: the next start refuses the file";
				findings.push({ document: `line ${number} of ${basename(file)}`, what });
			}
			if (change?.$$deleted) {
				deleted.add(change._id);
			} else if (deleted.size > 0 && change?._id) {
				deleted.delete(change._id);
			}
		}
	} finally {
		await handle.close();
	}
	return [
		...findings,
		...[...deleted].map((id) => ({ document: `product ${id}`, what: "was deleted from the file" })),
	];
}

/**
 * Tells whether the next start refuses a line. NeDB (document-file.ts) skips only empty lines, and reads the fields of
 * any other value, which fails for null.
 */
function isRefused(line: Buffer, change: Change | null | undefined): boolean {
	return change == null && !/^[\r\n]*$/.test(line.toString("latin1"));
}

/** Parses a line. Returns undefined if it is not JSON: the last line may be incomplete. */
function parse(line: Buffer): Change | null | undefined {
	try {
		return JSON.parse(line.toString("utf8"));
	} catch {
		return undefined;
	}
}
