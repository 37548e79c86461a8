import { createHash } from "node:crypto";
import { StartError } from "../../infra/start-error.ts";
import { COLUMNS, isColumn, isNumberColumn, OPTIONS, UnknownColumns } from "./columns.ts";
import { csvProducts, csvRows, HeaderError, type RawProduct, readHeader } from "./csv.ts";
import {
	chooseEncoding,
	decode,
	type Encoding,
	UndecodableError,
	undecodableLine,
	undecodableMessage,
} from "./decoding.ts";
import { CatalogueFile } from "./file.ts";
import { ndjsonProducts } from "./ndjson.ts";
import { type NumberFormat, NumberText } from "./numbers.ts";
import type { OtherShop } from "./other-shop.ts";
import { otherShop, type ShopName } from "./other-shops.ts";
import { type CatalogueLine, type NumberColumns, numberColumns, readProduct } from "./product.ts";
import { type Item, type Reading, RecordReader } from "./records.ts";

/** Options of the person who imports a catalogue file. */
export interface CatalogueOptions {
	/** Number format; detected from the file by default. */
	numbers?: NumberFormat;
	/** A label of the Encoding Standard, for a file that is not UTF-8 and has no byte order mark. */
	encoding?: string;
	/** Ignores unknown columns instead of rejecting the file. */
	ignoreUnknown?: boolean;
	/** The shop whose product export the file is; the shop's own format by default. */
	from?: ShopName;
	/** Called from time to time with the completed share, from 0 to 1. */
	onProgress?: (share: number) => void;
}

/**
 * A record that is a product, with warnings of what it loses, or the reason why it is rejected or, with `isLeftOut`, left
 * out on purpose; nothing is read after one with `isStop`.
 */
export type CatalogueItem = Item<CatalogueLine> & { warnings?: string[]; isLeftOut?: boolean };

/**
 * A CSV or NDJSON file that has been read once to its end: it can be decoded, and its columns and number formats are
 * known. It is read a second time for its products, both times in constant memory.
 */
export class Catalogue {
	/** SHA-256 of the content. */
	hash = "";
	/** Number of records, without blank lines. */
	lines = 0;
	/** Notices for the person who imports the file. */
	readonly notes: string[] = [];
	/** Reason why nothing of the file is imported. */
	refusal: string | undefined;

	#file: CatalogueFile;
	#options: CatalogueOptions;
	#encoding: Encoding;
	#numbers: NumberColumns;
	#delimiter: string | undefined;
	#shop: OtherShop | undefined;

	private constructor(file: CatalogueFile, options: CatalogueOptions) {
		this.#file = file;
		this.#options = options;
		this.#encoding = chooseEncoding(file.head, options.encoding);
		this.#numbers = numberColumns(options.numbers);
		this.#shop = options.from && otherShop(options.from);
	}

	/**
	 * Opens a file and reads it to its end. The caller closes it.
	 *
	 * @throws StartError that names cause and remedy.
	 */
	static async open(path: string, options: CatalogueOptions = {}): Promise<Catalogue> {
		const file = await CatalogueFile.open(path);
		try {
			const catalogue = new Catalogue(file, options);
			await catalogue.#survey();
			await file.checkUnchanged();
			return catalogue;
		} catch (error) {
			await file.close();
			throw error;
		}
	}

	/** Yields the products, and the records that are rejected. */
	async *items(): AsyncGenerator<CatalogueItem> {
		const text = this.#text({ isSecond: true });
		try {
			yield* this.#read(new RecordReader(text), (raw) => readProduct(raw, this.#numbers));
		} finally {
			await text.return(undefined);
		}
	}

	/** Returns the number of lines after the given line, without blank lines; each counts as a record. */
	async linesAfter(line: number): Promise<number> {
		const reader = new RecordReader(decode(this.#file.bytes(), this.#encoding));
		let lines = 0;
		for (let next = await reader.nextLine(); next; next = await reader.nextLine(this.#delimiter)) {
			lines += next.line > line ? 1 : 0;
		}
		return lines;
	}

	/** @throws StartError if the file was written to since it was opened. */
	checkUnchanged(): Promise<void> {
		return this.#file.checkUnchanged();
	}

	close(): Promise<void> {
		return this.#file.close();
	}

	async #survey(): Promise<void> {
		const hash = createHash("sha256");
		const unknown = new UnknownColumns();
		const text = this.#text({ onChunk: (chunk) => hash.update(chunk) });
		const survey = (raw: RawProduct, line: number) => this.#surveyProduct(raw, line, unknown);
		try {
			for await (const item of this.#read(new RecordReader(text), survey, unknown)) {
				this.lines += 1 + ("isStop" in item ? await this.linesAfter(item.line) : 0);
			}
			// After a stop, the rest still belongs to the hash and must be decodable.
			while (!(await text.next()).done) {}
		} catch (error) {
			if (error instanceof UndecodableError) {
				const line = await undecodableLine(this.#file.bytes(), this.#encoding, error);
				throw new StartError(undecodableMessage(line, this.#encoding));
			}
			if (!(error instanceof HeaderError)) {
				throw error;
			}
			this.refusal = `${error.message}; nothing was imported`;
			this.lines = await this.linesAfter(error.line);
			return;
		} finally {
			await text.return(undefined);
		}
		this.hash = hash.digest("hex");
		if (this.lines === 0) {
			throw new StartError(`${this.#file.path} has no products`);
		}
		this.#warnOfUnknown(unknown);
		if (this.refusal === undefined) {
			this.notes.push(...Object.values(this.#numbers).flatMap((column) => column.notes()));
			this.notes.push(...(this.#shop?.notes() ?? []));
		}
	}

	/** Like `readProduct`, but also collects unknown columns and number formats. */
	#surveyProduct(raw: RawProduct, line: number, unknown: UnknownColumns): Reading<CatalogueLine> {
		for (const name of Object.keys(raw)) {
			if (!isColumn(name) && name !== OPTIONS) {
				unknown.add(name, line);
			}
		}
		for (const [name, value] of Object.entries(raw)) {
			if (isNumberColumn(name) && value instanceof NumberText) {
				this.#numbers[name].survey(value.text);
			}
		}
		return readProduct(raw, this.#numbers);
	}

	#warnOfUnknown(unknown: UnknownColumns): void {
		if (unknown.isEmpty) {
			return;
		}
		if (this.#options.ignoreUnknown) {
			this.notes.push(`left out what Toko does not know: ${unknown}`);
		} else {
			this.refusal = `Toko does not know ${unknown}: name the columns ${COLUMNS.join(", ")}, option:NAME, or leave out the others with --ignore-unknown; nothing was imported`;
		}
	}

	async *#read(
		reader: RecordReader,
		read: (raw: RawProduct, line: number) => Reading<CatalogueLine>,
		unknown?: UnknownColumns,
	): AsyncGenerator<CatalogueItem> {
		if (this.#shop) {
			yield* this.#readOtherShop(reader, this.#shop);
			return;
		}
		if (/\.(ndjson|jsonl)$/i.test(this.#file.path)) {
			yield* ndjsonProducts(reader, read);
			return;
		}
		const header = await readHeader(reader);
		if (header) {
			this.#delimiter = header.delimiter;
			for (const name of header.columns.filter((column) => !isColumn(column))) {
				unknown?.add(name, header.line);
			}
			yield* csvProducts(reader, header, (raw) => read(raw, 0));
		}
	}

	async *#readOtherShop(reader: RecordReader, shop: OtherShop): AsyncGenerator<CatalogueItem> {
		const header = await readHeader(reader, shop);
		if (!header) {
			return;
		}
		this.#delimiter = header.delimiter;
		shop.begin(header.columns);
		const rows = csvRows(reader, header, (cells) => ({ value: cells }));
		for await (const item of shop.products(rows)) {
			if (!("raw" in item)) {
				yield item;
				continue;
			}
			const { raw, ...place } = item;
			const reading = readProduct(raw, this.#numbers, (name) => shop.called(name));
			yield "value" in reading ? { ...place, ...reading } : { line: place.line, ...reading };
		}
	}

	async *#text({ onChunk, isSecond }: { onChunk?: (chunk: Uint8Array) => void; isSecond?: boolean }) {
		const { size } = this.#file;
		const { onProgress } = this.#options;
		let read = isSecond ? size : 0;
		async function* watched(bytes: AsyncIterable<Uint8Array>) {
			for await (const chunk of bytes) {
				onChunk?.(chunk);
				read += chunk.length;
				onProgress?.(read / size / 2);
				yield chunk;
			}
		}
		yield* decode(watched(this.#file.bytes()), this.#encoding);
	}
}
