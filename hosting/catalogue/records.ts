import { countLineEnds, type Dialect, findLineEnd, type Place, type Scanned, scanRecord } from "./scan.ts";

/** Maximum length of a record or line in characters; no product is longer. */
const RECORD_MAX = 1024 * 1024;
/** Number of consumed characters from which their memory is released. */
const RELEASE = 64 * 1024;
const MALFORMED =
	'has text after a closing quote: a quote that is part of quoted text is written twice, as in "15"" wide"';
const TOO_LONG = "is longer than 1 MiB, which no product is";

/** The value of a record, or the reason why it is rejected. */
export type Reading<T> = { value: T } | { reason: string };

/**
 * A record of the file, with its first line `line` and its last line `last_line`. After one with `isStop`, the
 * beginning of the next record is unknown, and nothing more is read.
 */
export type Item<T> =
	| { line: number; last_line: number; value: T }
	| { line: number; reason: string; isStop?: boolean };

/**
 * Reads a text of any length line by line or, as CSV, record by record. Buffers no more of the text than the longest
 * allowed record, and scans each character at most a few times.
 */
export class RecordReader {
	#chunks: AsyncIterator<string>;
	/** The buffered text; from `#at` on it is not consumed yet. */
	#text = "";
	#at = 0;
	#isEnd = false;
	#isCr: boolean | undefined;
	#line = 1;
	/** The line of the last opening quote. */
	#opened_line = 1;

	constructor(text: AsyncIterable<string>) {
		this.#chunks = text[Symbol.asyncIterator]();
	}

	/** Returns the next line that is not blank. Its text is undefined if it is too long. */
	async nextLine(delimiter?: string): Promise<{ line: number; text: string | undefined } | undefined> {
		if (!(await this.#skipBlankLines(delimiter))) {
			return undefined;
		}
		const line = this.#line;
		const end = await this.#lineEnd(this.#at);
		if (!end) {
			await this.#skipLine();
			return { line, text: undefined };
		}
		const text = this.#text.slice(this.#at, end.stop);
		this.#moveTo(end.next);
		return { line, text };
	}

	/** Yields the lines that are not blank, each read as a record. */
	async *lines<T>(read: (text: string, line: number) => Reading<T>): AsyncGenerator<Item<T>> {
		for (;;) {
			const next = await this.nextLine();
			if (!next) {
				return;
			}
			const { line, text } = next;
			yield text === undefined ? { line, reason: TOO_LONG } : { line, last_line: line, ...read(text, line) };
		}
	}

	/**
	 * Yields the records of a CSV file. A rejected record does not affect others. If it is on one line, reading resumes
	 * at the next line. If it spans lines, its opening quote may be a mistake: reading resumes at its second line if that
	 * line is a valid record by itself and, where the quote seems to close, another field begins or the line is a valid
	 * record by itself. Otherwise reading resumes after the record, if its end is known.
	 */
	async *records<T>(delimiter: string, read: (fields: string[]) => Reading<T>): AsyncGenerator<Item<T>> {
		while (await this.#skipBlankLines(delimiter)) {
			const line = this.#line;
			const dialect = { delimiter, isCr: this.#isCr === true };
			const scanned = await this.#scan(dialect);
			const isTooLong = this.#reach(scanned) - this.#at > RECORD_MAX;
			let reason = isTooLong ? TOO_LONG : undefined;
			if (scanned.kind === "record" && !isTooLong) {
				const reading = read(scanned.fields);
				if ("value" in reading) {
					const isEnded = /[\r\n]/.test(this.#text[scanned.next - 1] ?? "");
					this.#moveTo(scanned.next);
					yield { line, last_line: this.#line - (isEnded ? 1 : 0), value: reading.value };
					continue;
				}
				reason = reading.reason;
			}
			const second = await this.#secondLine(this.#reach(scanned), delimiter);
			const isOpenByMistake =
				second !== undefined &&
				isGood(second.text, dialect, read) &&
				// A line within text that is quoted on purpose may look like a product too.
				(scanned.kind !== "malformed" ||
					opensField(this.#text, scanned.at, dialect) ||
					(await this.#isGoodLine(scanned.at, dialect, read)));
			if (second && isOpenByMistake) {
				yield { line, reason: reason ?? this.#brokenQuote() };
				this.#moveTo(second.at);
				continue;
			}
			const end = await this.#skipRecord(scanned, dialect);
			if (end.kind === "record") {
				yield { line, reason: reason ?? "" };
				this.#moveTo(end.next);
			} else if (end.kind === "malformed" && this.#lineOf(end.at) === line) {
				yield { line, reason: reason ?? MALFORMED };
				await this.#skipLine();
			} else {
				yield { line, reason: `${this.#brokenQuote()}; what follows was not read`, isStop: true };
				return;
			}
		}
	}

	#brokenQuote(): string {
		return `the quote that opens in line ${this.#opened_line} does not close before a delimiter or a line end`;
	}

	/** Scans the current record to its end, to an error in it, or to the maximum length of a record. */
	async #scan(dialect: Dialect): Promise<Scanned> {
		for (;;) {
			const scanned = this.#scanOn(dialect);
			if (scanned.kind !== "more" || this.#isEnd || this.#text.length - this.#at > RECORD_MAX) {
				return scanned;
			}
			await this.#fill();
		}
	}

	/** Continues a scan to the end of its record or to an error in it, without buffering the text. */
	async #skipRecord(scanned: Scanned, dialect: Dialect): Promise<Scanned> {
		let reached = scanned;
		for (let isLast = false; reached.kind === "more" && !isLast; ) {
			this.#moveTo(reached.resume);
			isLast = this.#isEnd;
			await this.#fill();
			reached = this.#scanOn(dialect, reached.place);
		}
		return reached;
	}

	#scanOn(dialect: Dialect, place?: Place): Scanned {
		const scanned = scanRecord(this.#text, this.#at, dialect, this.#isEnd, place);
		if (scanned.kind !== "record" && scanned.opened !== undefined) {
			this.#opened_line = this.#lineOf(scanned.opened);
		}
		return scanned;
	}

	/** Returns the position that a scan has reached. */
	#reach(scanned: Scanned): number {
		return scanned.kind === "record"
			? scanned.next
			: scanned.kind === "malformed"
				? scanned.at
				: this.#text.length;
	}

	/** Returns the second nonblank line of the current record, if it begins before `reach` and is not too long. */
	async #secondLine(reach: number, delimiter: string): Promise<{ at: number; text: string } | undefined> {
		const first = findLineEnd(this.#text, this.#at, this.#isCr === true, this.#isEnd);
		if (!first || first.next >= reach) {
			return undefined;
		}
		const at = afterBlankLines(this.#text, first.next, delimiter);
		const end = await this.#lineEnd(at);
		return end && { at, text: this.#text.slice(at, end.stop) };
	}

	/** Tells whether the line at `at` would be a valid record by itself. */
	async #isGoodLine<T>(
		at: number,
		dialect: Dialect,
		read: (fields: string[]) => Reading<T>,
	): Promise<boolean> {
		const end = await this.#lineEnd(at);
		const before = this.#text.slice(0, at);
		const start = Math.max(before.lastIndexOf("\n"), dialect.isCr ? before.lastIndexOf("\r") : -1) + 1;
		return end !== undefined && isGood(this.#text.slice(start, end.stop), dialect, read);
	}

	/** Returns the end of the line at `from`; undefined if the line is too long. */
	async #lineEnd(from: number): Promise<{ stop: number; next: number } | undefined> {
		for (;;) {
			const end = findLineEnd(this.#text, from, this.#isCr === true, this.#isEnd);
			if ((end?.stop ?? this.#text.length) - from > RECORD_MAX) {
				return undefined;
			}
			if (end) {
				return end;
			}
			await this.#fill();
		}
	}

	async #skipLine(): Promise<void> {
		for (;;) {
			const end = findLineEnd(this.#text, this.#at, this.#isCr === true, this.#isEnd);
			this.#moveTo(end?.next ?? this.#text.length - (this.#text.endsWith("\r") ? 1 : 0));
			if (end) {
				return;
			}
			await this.#fill();
		}
	}

	/** Returns false at the end of the file. */
	async #skipBlankLines(delimiter?: string): Promise<boolean> {
		await this.#detectLineEnds();
		for (;;) {
			const at = afterBlankLines(this.#text, this.#at, delimiter);
			if (at < this.#text.length || this.#isEnd) {
				this.#moveTo(at);
				return at < this.#text.length;
			}
			this.#moveTo(at - (this.#text.endsWith("\r") ? 1 : 0));
			await this.#fill();
		}
	}

	/** Detects whether CR alone ends lines: it does if it ends the first line. */
	async #detectLineEnds(): Promise<void> {
		while (this.#isCr === undefined) {
			const [end, next] = /[\r\n].?/s.exec(this.#text)?.[0] ?? "";
			if (end === "\n" || next !== undefined || this.#isEnd || this.#text.length > RECORD_MAX) {
				this.#isCr = end === "\r" && next !== "\n";
			} else {
				await this.#fill();
			}
		}
	}

	#lineOf(index: number): number {
		return this.#line + countLineEnds(this.#text.slice(this.#at, index), this.#isCr === true);
	}

	#moveTo(index: number): void {
		this.#line = this.#lineOf(index);
		this.#at = index;
		if (index > RELEASE) {
			this.#text = this.#text.slice(index);
			this.#at = 0;
		}
	}

	/** Reads until the buffer has twice its size, so that a long record is not scanned too often. */
	async #fill(): Promise<void> {
		const wanted = 2 * (this.#text.length - this.#at);
		do {
			const { done, value } = await this.#chunks.next();
			if (done) {
				this.#isEnd = true;
			} else {
				this.#text += value;
			}
		} while (!this.#isEnd && this.#text.length - this.#at < wanted);
	}
}

function afterBlankLines(text: string, from: number, delimiter?: string): number {
	const blanks = delimiter === "\t" ? /[^\S\t]*/y : /\s*/y;
	blanks.lastIndex = from;
	blanks.exec(text);
	return blanks.lastIndex;
}

/** Tells whether the quote before `at` is at the beginning of a field, and thus opens that field. */
function opensField(text: string, at: number, { delimiter }: Dialect): boolean {
	const before = text[text.lastIndexOf('"', at - 1) - 1];
	return before === undefined || before === delimiter || before === "\n" || before === "\r";
}

function isGood<T>(line: string, dialect: Dialect, read: (fields: string[]) => Reading<T>): boolean {
	const scanned = scanRecord(line, 0, dialect, true);
	return scanned.kind === "record" && "value" in read(scanned.fields);
}
