import { promisify } from "node:util";
import { brotliCompress, constants, deflate, gzip } from "node:zlib";
import { LRUCache } from "lru-cache";
import Negotiator from "negotiator";

/** Shorter bodies are sent as they are; as `compression` does it, which serves the pages of moleculer-web. */
const BYTES_MIN = 1024;
/** As there: what text gains beyond costs more time than it saves. */
const BROTLI = { params: { [constants.BROTLI_PARAM_QUALITY]: 4 } };

const compressors = {
	br: (bytes: Buffer) => promisify(brotliCompress)(bytes, BROTLI),
	gzip: (bytes: Buffer) => promisify(gzip)(bytes),
	deflate: (bytes: Buffer) => promisify(deflate)(bytes),
};

/** How a body is sent: compressed, or as it is. */
export type Encoding = keyof typeof compressors | "identity";

const SUPPORTED: Encoding[] = ["br", "gzip", "deflate", "identity"];
const PREFERRED: Encoding[] = ["br", "gzip"];

/** The types of negotiator leave its second argument out. */
interface Preferring {
	encoding(available: Encoding[], preferred: Encoding[]): Encoding | undefined;
}

/** Clients send few different headers. */
const chosen = new LRUCache<string, Encoding>({
	maxSize: 64 * 1024,
	sizeCalculation: (_, key) => key.length + 32,
});

/** The encoding for a body of this length by a client's `Accept-Encoding` (RFC 9110, 12.5.3). */
export function encodingFor(accepted: string | undefined, bytes: number): Encoding {
	if (accepted === undefined || accepted === "" || bytes < BYTES_MIN) {
		return "identity";
	}
	let encoding = chosen.get(accepted);
	if (encoding === undefined) {
		const negotiator = new Negotiator({ headers: { "accept-encoding": accepted } }) as unknown as Preferring;
		encoding = negotiator.encoding(SUPPORTED, PREFERRED) ?? "identity";
		chosen.set(accepted, encoding);
	}
	return encoding;
}

/** A body in its encodings; each is made once, when somebody wants it first. */
export class Body {
	readonly text: string;
	/** The length of the text in UTF-8. */
	readonly bytes: number;
	readonly #compressed = new Map<Encoding, Buffer | Promise<Buffer>>();

	constructor(text: string) {
		this.text = text;
		this.bytes = Buffer.byteLength(text);
	}

	/** The body in an encoding: at once where it is there. Text goes out in one piece with the head of the answer. */
	in(encoding: Encoding): string | Buffer | Promise<Buffer> {
		if (encoding === "identity") {
			return this.text;
		}
		let bytes = this.#compressed.get(encoding);
		if (bytes === undefined) {
			bytes = compressors[encoding](Buffer.from(this.text)).then(
				(done) => {
					this.#compressed.set(encoding, done);
					return done;
				},
				(error) => {
					// The next who wants it tries again.
					this.#compressed.delete(encoding);
					throw error;
				},
			);
			this.#compressed.set(encoding, bytes);
		}
		return bytes;
	}
}
