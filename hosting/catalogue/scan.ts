/** The separators of fields and lines in a CSV file. */
export interface Dialect {
	delimiter: string;
	/** True if a CR without LF ends a line, as in files of classic Mac OS. */
	isCr: boolean;
}

/** State of a scan: before a field, in an unquoted field, in quotes, after the closing quote. */
export type Place = "start" | "plain" | "quoted" | "closed";

/**
 * Result of the scan of one record. `record`: complete; the next one begins at `next`. `malformed`: text follows a
 * closing quote at `at`. `more`: the text ended inside the record; the scan can continue from `resume` in the state
 * `place`. `opened` is the position of the last opening quote in this scan.
 */
export type Scanned =
	| { kind: "record"; fields: string[]; next: number }
	| { kind: "malformed"; at: number; opened: number | undefined }
	| { kind: "more"; resume: number; place: Place; opened: number | undefined };

/**
 * Scans the record that begins at `from`, as in RFC 4180, with two additions: fields are trimmed outside their quotes,
 * and a quote inside an unquoted field is text.
 *
 * @param isEnd True if the file ends where the text ends.
 */
export function scanRecord(
	text: string,
	from: number,
	{ delimiter, isCr }: Dialect,
	isEnd: boolean,
	place: Place = "start",
): Scanned {
	const fields: string[] = [];
	let at = from;
	let value = "";
	let opened: number | undefined;
	const more = (resume: number): Scanned => ({ kind: "more", resume, place, opened });
	for (;;) {
		if (place === "start") {
			at = afterBlanks(text, at, delimiter);
			if (at === text.length && !isEnd) {
				return more(at);
			}
			place = "plain";
			if (text[at] === '"') {
				opened = at++;
				place = "quoted";
			}
		}
		while (place === "quoted") {
			const quote = text.indexOf('"', at);
			if (quote === -1) {
				return more(text.endsWith("\r") ? text.length - 1 : text.length);
			}
			if (quote === text.length - 1 && !isEnd) {
				return more(quote);
			}
			value += text.slice(at, quote);
			at = quote + 1;
			if (text[at] === '"') {
				value += '"';
				at++;
			} else {
				place = "closed";
			}
		}
		if (place === "closed") {
			at = afterBlanks(text, at, delimiter);
		} else {
			const begin = at;
			at = afterPlain(text, at, delimiter, isCr, isEnd);
			value = text.slice(begin, at).trim();
		}
		if (text[at] === delimiter) {
			fields.push(value);
			value = "";
			at++;
			place = "start";
			continue;
		}
		const width = lineEndAt(text, at, isCr, isEnd);
		if (width === undefined || (at === text.length && !isEnd)) {
			return more(at);
		}
		if (width === 0 && at < text.length) {
			return { kind: "malformed", at, opened };
		}
		fields.push(value);
		return { kind: "record", fields, next: at + width };
	}
}

/** Returns the length of the line end at `at`: 0, 1 or 2; undefined if it depends on the next character. */
function lineEndAt(text: string, at: number, isCr: boolean, isEnd: boolean): 0 | 1 | 2 | undefined {
	const code = text.charCodeAt(at);
	if (code === 10) {
		return 1;
	}
	if (code !== 13) {
		return 0;
	}
	if (at + 1 === text.length) {
		return isEnd ? 1 : undefined;
	}
	return text.charCodeAt(at + 1) === 10 ? 2 : isCr ? 1 : 0;
}

/**
 * Returns the first line end from `from` on: the end of the line and the beginning of the next; undefined if there is
 * none yet.
 */
export function findLineEnd(
	text: string,
	from: number,
	isCr: boolean,
	isEnd: boolean,
): { stop: number; next: number } | undefined {
	const at = isCr ? indexOfEither(text, from) : text.indexOf("\n", from);
	if (at === -1) {
		return isEnd ? { stop: text.length, next: text.length } : undefined;
	}
	const width = lineEndAt(text, at, isCr, isEnd);
	return width === undefined ? undefined : { stop: at, next: at + width };
}

function indexOfEither(text: string, from: number): number {
	const pattern = /[\r\n]/g;
	pattern.lastIndex = from;
	return pattern.exec(text)?.index ?? -1;
}

/** Returns the number of line ends in a text. */
export function countLineEnds(text: string, isCr: boolean): number {
	return text.match(isCr ? /\r\n?|\n/g : /\n/g)?.length ?? 0;
}

/** Returns the end of an unquoted field: a delimiter, a line end or the end of the text. */
function afterPlain(text: string, from: number, delimiter: string, isCr: boolean, isEnd: boolean): number {
	const stop = delimiter.charCodeAt(0);
	let at = from;
	for (; at < text.length; at++) {
		const code = text.charCodeAt(at);
		if (code === stop || code === 10 || (code === 13 && lineEndAt(text, at, isCr, isEnd) !== 0)) {
			break;
		}
	}
	return at;
}

function afterBlanks(text: string, from: number, delimiter: string): number {
	let at = from;
	while (text[at] === " " || (text[at] === "\t" && delimiter !== "\t")) {
		at++;
	}
	return at;
}
