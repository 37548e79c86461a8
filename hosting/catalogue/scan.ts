/** How a CSV file separates its fields and its lines. */
export interface Dialect {
	delimiter: string;
	/** Whether a CR without an LF ends a line, as in files of the first Macs. */
	isCr: boolean;
}

/** Where in a record a scan stands: before a field, in one without quotes, in quotes, after the closing quote. */
export type Place = "start" | "plain" | "quoted" | "closed";

/**
 * What a scan of one record has found. `record`: it is whole, the next one begins at `next`. `malformed`: text follows
 * a closing quote at `at`. `more`: the text ended inside the record; a scan of what follows may go on from `resume` at
 * `place`. `opened` is where the last quote of this scan opened.
 */
export type Scanned =
	| { kind: "record"; fields: string[]; next: number }
	| { kind: "malformed"; at: number; opened: number | undefined }
	| { kind: "more"; resume: number; place: Place; opened: number | undefined };

/**
 * Scans the record that begins at `from`: fields are trimmed outside their quotes, a doubled quote in quotes is one,
 * and a quote inside a field without quotes is text (RFC 4180 otherwise).
 *
 * @param isEnd Whether the file ends where the text ends.
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

/** How many characters end a line at `at`: none, one or two; undefined where the next one would tell. */
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

/** The first line end from `from` on: where the line stops and the next begins; undefined where none is to be seen. */
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

/** How many lines end in a text. */
export function countLineEnds(text: string, isCr: boolean): number {
	return text.match(isCr ? /\r\n?|\n/g : /\n/g)?.length ?? 0;
}

/** Where a field without quotes ends: at a delimiter, at a line end or with the text. */
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
