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

/** What a person says of a catalogue file. */
export interface CatalogueOptions {
	/** How numbers are written; told from the file where it is left out. */
	numbers?: NumberFormat;
	/** A label of the Encoding Standard, for a file that is neither UTF-8 nor begins with a byte order mark. */
	encoding?: string;
	/** Leaves out columns that Toko does not know, instead of refusing the file. */
	ignoreUnknown?: boolean;
	/** Called now and then with the share that is done, up to 1. */
	onProgress?: (share: number) => void;
}

/** A record that is a product, or the reason why it is none; nothing was read after one that `isStop`. */
export type CatalogueItem = Item<CatalogueLine>;

/**
 * A CSV or NDJSON file that was read once from its beginning to its end: it can be decoded, its columns are known, and
 * what they say of numbers is known. It is read again for its products, both times in constant memory.
 */
export class Catalogue {
	/** SHA-256 of the content. */
	hash = "";
	/** How many records there are, blank lines left out. */
	lines = 0;
	/** What the person who imports it should know. */
	readonly notes: string[] = [];
	/** Why nothing of the file is imported. */
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
	 * Opens a file and reads it to its end. Close it.
	 *
	 * @throws StartError that names the cause and the cure.
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

	/** The products, and the records that are none. */
	async *items(): AsyncGenerator<CatalogueItem> {
		const text = this.#text({ isSecond: true });
		try {
			yield* this.#read(new RecordReader(text), (raw) => readProduct(raw, this.#numbers));
		} finally {
			await text.return(undefined);
		}
	}

	/** How many lines follow the line, blank ones left out: each is taken for a record. */
	async linesAfter(line: number): Promise<number> {
		const reader = new RecordReader(decode(this.#file.bytes(), this.#encoding));
		let lines = 0;
		for (let next = await reader.nextLine(); next; next = await reader.nextLine(this.#delimiter)) {
			lines += next.line > line ? 1 : 0;
		}
		return lines;
	}

	/** @throws StartError where somebody has written to the file since it was opened. */
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
			// After a stop there is more, which belongs to the hash and must be decodable, too.
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

	/** As `readProduct`, except that a number may be any that the column turns out to write. */
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
