import { promisify } from "node:util";
import { brotliCompress, constants, deflate, gzip } from "node:zlib";
import { LRUCache } from "lru-cache";
import Negotiator from "negotiator";

/** Minimum size for compression, as in `compression`, which serves the pages of moleculer-web. */
const BYTES_MIN = 1024;
/** Quality as in `compression`: higher ones cost more time than they save. */
const BROTLI = { params: { [constants.BROTLI_PARAM_QUALITY]: 4 } };

const compressors = {
	br: (bytes: Buffer) => promisify(brotliCompress)(bytes, BROTLI),
	gzip: (bytes: Buffer) => promisify(gzip)(bytes),
	deflate: (bytes: Buffer) => promisify(deflate)(bytes),
};

/** Encoding of a body. */
export type Encoding = keyof typeof compressors | "identity";

const SUPPORTED: Encoding[] = ["br", "gzip", "deflate", "identity"];
const PREFERRED: Encoding[] = ["br", "gzip"];

/** The second argument is missing in the types of negotiator. */
interface Preferring {
	encoding(available: Encoding[], preferred: Encoding[]): Encoding | undefined;
}

/** Encodings by `Accept-Encoding`: clients send few different headers. */
const chosen = new LRUCache<string, Encoding>({
	maxSize: 64 * 1024,
	sizeCalculation: (_, key) => key.length + 32,
});

/** Returns the encoding for a body of this length by a client's `Accept-Encoding` (RFC 9110, 12.5.3). */
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

/** A body in its encodings, each computed when it is first needed. */
export class Body {
	readonly text: string;
	/** Length of the text in UTF-8. */
	readonly bytes: number;
	readonly #compressed = new Map<Encoding, Buffer | Promise<Buffer>>();

	constructor(text: string) {
		this.text = text;
		this.bytes = Buffer.byteLength(text);
	}

	/**
	 * Returns the body in an encoding, synchronously if available. Text can be written in one piece with the head of the
	 * response.
	 */
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
					// The next request tries again.
					this.#compressed.delete(encoding);
					throw error;
				},
			);
			this.#compressed.set(encoding, bytes);
		}
		return bytes;
	}
}
