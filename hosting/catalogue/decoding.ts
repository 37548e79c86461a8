import { StartError } from "../../infra/start-error.ts";

/** The encoding of a file, and its source: the byte order mark, the option, or the default. */
export interface Encoding {
	label: string;
	source: "mark" | "option" | "default";
}

/** Thrown by `decode` for invalid bytes in the chunk that begins at `offset`. */
export class UndecodableError extends Error {
	override name = "UndecodableError";
	readonly offset: number;

	constructor(offset: number) {
		super(`bytes from ${offset} on cannot be decoded`);
		this.offset = offset;
	}
}

const MARKS: [string, number[]][] = [
	["utf-8", [0xef, 0xbb, 0xbf]],
	["utf-16le", [0xff, 0xfe]],
	["utf-16be", [0xfe, 0xff]],
];

/** Windows-1252 from 0x80 to 0x9f, which releases of Node.js 23 and 24 decode as ISO 8859-1 (nodejs/node#56542). */
const WINDOWS_1252 = "€\x81‚ƒ„…†‡ˆ‰Š‹Œ\x8dŽ\x8f\x90‘’“”•–—˜™š›œ\x9džŸ";

/**
 * Determines the encoding of a file: by its byte order mark, else by the given label, else UTF-8.
 *
 * @throws StartError for an unknown label, and for UTF-16 without a byte order mark.
 */
export function chooseEncoding(head: Uint8Array, label?: string): Encoding {
	const requested = label === undefined ? undefined : canonical(label);
	const [mark] = MARKS.find(([, bytes]) => bytes.every((byte, index) => head[index] === byte)) ?? [];
	if (mark) {
		return { label: mark, source: "mark" };
	}
	if (requested) {
		return { label: requested, source: "option" };
	}
	for (const [zero, other, utf16] of [
		[1, 0, "utf-16le"],
		[0, 1, "utf-16be"],
	] as const) {
		if (head[zero] === 0 && head[zero + 2] === 0 && head[other] !== 0) {
			throw new StartError(
				`the file is UTF-16 without a byte order mark: import it with --encoding ${utf16}`,
			);
		}
	}
	return { label: "utf-8", source: "default" };
}

function canonical(label: string): string {
	try {
		return new TextDecoder(label).encoding;
	} catch {
		throw new StartError(
			`no encoding is called ${JSON.stringify(label)}: name one with --encoding such as windows-1252 or utf-16le`,
		);
	}
}

/**
 * Yields the text of a file, without its byte order mark.
 *
 * @param slow_from Offset from which bytes are decoded one by one, so that the text extends to the first invalid byte.
 * @throws UndecodableError
 */
export async function* decode(
	chunks: AsyncIterable<Uint8Array>,
	{ label }: Encoding,
	slow_from = Number.POSITIVE_INFINITY,
): AsyncGenerator<string> {
	const decoder = new TextDecoder(label, { fatal: true });
	const decodeNext = (bytes?: Uint8Array) => {
		try {
			const text = bytes ? decoder.decode(bytes, { stream: true }) : decoder.decode();
			return label === "windows-1252"
				? text.replace(/[\x80-\x9f]/g, (char) => WINDOWS_1252[char.charCodeAt(0) - 0x80] ?? char)
				: text;
		} catch {
			throw new UndecodableError(offset);
		}
	};
	let offset = 0;
	for await (const chunk of chunks) {
		if (offset + chunk.length <= slow_from) {
			yield decodeNext(chunk);
		} else {
			for (let at = 0; at < chunk.length; at++) {
				yield decodeNext(chunk.subarray(at, at + 1));
			}
		}
		offset += chunk.length;
	}
	yield decodeNext();
}

/** Returns the line, from 1, of the first invalid byte, for an `UndecodableError`. */
export async function undecodableLine(
	chunks: AsyncIterable<Uint8Array>,
	encoding: Encoding,
	{ offset }: UndecodableError,
): Promise<number> {
	let line_feeds = 0;
	let returns = 0;
	try {
		for await (const text of decode(chunks, encoding, offset)) {
			line_feeds += text.match(/\n/g)?.length ?? 0;
			returns += text.match(/\r/g)?.length ?? 0;
		}
	} catch (error) {
		if (!(error instanceof UndecodableError)) {
			throw error;
		}
	}
	return 1 + (line_feeds || returns);
}

/** Returns the message for a file that is not in its encoding. */
export function undecodableMessage(line: number, { label, source }: Encoding): string {
	const found = `line ${line} is not ${label.toUpperCase()}`;
	switch (source) {
		case "mark":
			return `${found}, although the file begins with its byte order mark: save the file as UTF-8 again; nothing was imported`;
		case "option":
			return `${found}, as --encoding says: name another encoding; nothing was imported`;
		case "default":
			return `${found}: save the file as UTF-8, or name its encoding, for most files of Windows and Excel with --encoding windows-1252; nothing was imported`;
	}
}
