import { type FileHandle, open } from "node:fs/promises";
import { reason, StartError } from "../../infra/start-error.ts";

const CHUNK = 256 * 1024;

/** Signatures of formats that are not text. */
const FORMATS: [string, string][] = [
	["PK\x03\x04", "an Excel workbook, another spreadsheet or a ZIP archive"],
	["\xd0\xcf\x11\xe0", "an old Excel workbook"],
	["\x1f\x8b", "a gzip archive"],
	["BZh", "a bzip2 archive"],
	["\xfd7zXZ", "an xz archive"],
	["\x28\xb5\x2f\xfd", "a Zstandard archive"],
	["7z\xbc\xaf", "a 7z archive"],
	["Rar!", "a RAR archive"],
	["%PDF", "a PDF document"],
	["SQLite format 3", "an SQLite database"],
	["\xff\xfe\0\0", "UTF-32 text"],
	["\0\0\xfe\xff", "UTF-32 text"],
];

/** A file that is read more than once and must not change meanwhile. */
export class CatalogueFile {
	readonly path: string;
	readonly size: number;
	/** First bytes of the file. */
	readonly head: Uint8Array;
	#handle: FileHandle;
	#changed_at: bigint;

	private constructor(path: string, handle: FileHandle, head: Uint8Array, size: bigint, changed_at: bigint) {
		this.path = path;
		this.size = Number(size);
		this.head = head;
		this.#handle = handle;
		this.#changed_at = changed_at;
	}

	/** @throws StartError if the file cannot be read or is not text. */
	static async open(path: string): Promise<CatalogueFile> {
		const handle = await open(path, "r").catch((error: unknown) => {
			throw new StartError(`cannot read ${path} (${codeOrReason(error)}): name a CSV or NDJSON file`);
		});
		try {
			const info = await handle.stat({ bigint: true });
			if (!info.isFile()) {
				throw new StartError(
					`${path} is ${info.isDirectory() ? "a directory" : "not a file"}: name a CSV or NDJSON file`,
				);
			}
			const { buffer, bytesRead } = await handle.read(Buffer.alloc(64), 0, 64, 0);
			const head = buffer.subarray(0, bytesRead);
			const [, format] = FORMATS.find(([mark]) => head.toString("latin1").startsWith(mark)) ?? [];
			if (format) {
				throw new StartError(`${path} is ${format}: export the products as CSV (UTF-8) and import that`);
			}
			return new CatalogueFile(path, handle, head, info.size, info.mtimeNs);
		} catch (error) {
			await handle.close();
			throw error;
		}
	}

	/** Yields the bytes of the file from its beginning. */
	async *bytes(): AsyncGenerator<Uint8Array> {
		for (let position = 0; ; ) {
			const { buffer, bytesRead } = await this.#handle.read(Buffer.allocUnsafe(CHUNK), 0, CHUNK, position);
			if (bytesRead === 0) {
				return;
			}
			position += bytesRead;
			yield buffer.subarray(0, bytesRead);
		}
	}

	/** @throws StartError if the file was written to since it was opened. */
	async checkUnchanged(): Promise<void> {
		const { size, mtimeNs } = await this.#handle.stat({ bigint: true });
		if (Number(size) !== this.size || mtimeNs !== this.#changed_at) {
			throw new StartError(`${this.path} was changed while it was read`);
		}
	}

	close(): Promise<void> {
		return this.#handle.close();
	}
}

function codeOrReason(error: unknown): string {
	return (error as NodeJS.ErrnoException).code ?? reason(error);
}
