import { createHash } from "node:crypto";
import { StartError } from "../../infra/start-error.ts";
import { isColumn, UnknownColumns } from "./columns.ts";
import { csvProducts, HeaderError, type RawProduct, readHeader } from "./csv.ts";
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
import { NumberColumn, type NumberFormat, NumberText } from "./numbers.ts";
import { type CatalogueLine, type NumberColumns, readProduct } from "./product.ts";
import { type Item, type Reading, RecordReader } from "./records.ts";

/** Options of the person who imports a catalogue file. */
export interface CatalogueOptions {
	/** Number format; detected from the file by default. */
	numbers?: NumberFormat;
	/** A label of the Encoding Standard, for a file that is not UTF-8 and has no byte order mark. */
	encoding?: string;
	/** Ignores unknown columns instead of rejecting the file. */
	ignoreUnknown?: boolean;
	/** Called from time to time with the completed share, from 0 to 1. */
	onProgress?: (share: number) => void;
}

/** A record that is a product, or the reason why it is rejected; nothing is read after one with `isStop`. */
export type CatalogueItem = Item<CatalogueLine>;

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

	private constructor(file: CatalogueFile, options: CatalogueOptions) {
		this.#file = file;
		this.#options = options;
		this.#encoding = chooseEncoding(file.head, options.encoding);
		this.#numbers = {
			price: new NumberColumn("price", options.numbers),
			stock: new NumberColumn("stock", options.numbers),
		};
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
		this.#tellUnknown(unknown);
		if (this.refusal === undefined) {
			this.notes.push(...this.#numbers.price.notes(), ...this.#numbers.stock.notes());
		}
	}

	/** Like `readProduct`, but also collects unknown columns and number formats. */
	#surveyProduct(raw: RawProduct, line: number, unknown: UnknownColumns): Reading<CatalogueLine> {
		for (const name of Object.keys(raw)) {
			if (!isColumn(name)) {
				unknown.add(name, line);
			}
		}
		const { price, stock } = raw;
		for (const [column, value] of [
			[this.#numbers.price, price],
			[this.#numbers.stock, stock],
		] as const) {
			if (value instanceof NumberText) {
				column.survey(value.text);
			}
		}
		return readProduct(raw, this.#numbers);
	}

	#tellUnknown(unknown: UnknownColumns): void {
		if (unknown.isEmpty) {
			return;
		}
		if (this.#options.ignoreUnknown) {
			this.notes.push(`left out what Toko does not know: ${unknown}`);
		} else {
			this.refusal = `Toko does not know ${unknown}: name the columns sku, name, description, price, stock, category, image_url, or leave out the others with --ignore-unknown; nothing was imported`;
		}
	}

	async *#read<T>(
		reader: RecordReader,
		read: (raw: RawProduct, line: number) => Reading<T>,
		unknown?: UnknownColumns,
	): AsyncGenerator<Item<T>> {
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
