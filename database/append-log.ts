import { constants, createReadStream } from "node:fs";
import { type FileHandle, open, rename, rm } from "node:fs/promises";
import { basename, dirname } from "node:path";
import { crc32 } from "node:zlib";

/** Number of bytes per write when the file is rewritten. */
const CHUNK = 1024 * 1024;
/**
 * Text that `probe()` writes. It is larger than a usual batch, and has no line end, so that nothing of it is read after
 * a crash.
 */
const PROBE = " ".repeat(64 * 1024);

/**
 * Append-only file of lines that survives a power failure. An append is confirmed once it is on disk; concurrent
 * appends share one fsync. Each batch ends with a marker line that holds its length and CRC-32, so that an unconfirmed,
 * incomplete batch is detected and truncated when the file is opened.
 *
 * After a failed write the file is truncated to the last confirmed batch, and every append fails until `recover()`.
 * After any error other than `NotWritten` the content of the file is unknown until a restart reads the disk.
 */
export class AppendLog {
	readonly filename: string;
	/** Number of lines when the file was opened, superseded ones and markers included. */
	readonly lines_read: number;
	#handle: FileHandle;
	/** Confirmed length in bytes. */
	#size: number;
	#pending: string[] = [];
	#writing: Promise<void> | undefined;
	/** The batch after the one being written. It collects the appends that arrive meanwhile. */
	#next: Promise<void> | undefined;
	#failure: Error | undefined;
	#onFailure: (error: Error) => void;

	private constructor(
		filename: string,
		handle: FileHandle,
		{ confirmed, lines_read }: Inspected,
		onFailure: (error: Error) => void,
	) {
		this.filename = filename;
		this.lines_read = lines_read;
		this.#handle = handle;
		this.#size = confirmed;
		this.#onFailure = onFailure;
	}

	/**
	 * Opens the file, or creates it, and truncates the remains of an interrupted write.
	 *
	 * @param onFailure Called once when a write fails; appends then fail until `recover()`.
	 * @throws DamagedFile if confirmed lines have changed.
	 */
	static async open(filename: string, onFailure: (error: Error) => void): Promise<AppendLog> {
		const handle = await open(filename, constants.O_RDWR | constants.O_CREAT, 0o600);
		try {
			await syncFolder(filename);
			const inspected = await inspectLog(filename);
			const { confirmed, isMarked } = inspected;
			const { size } = await handle.stat();
			if (size > confirmed) {
				await handle.truncate(confirmed);
			}
			// A killed process may have left complete batches that are only in the page cache.
			await handle.datasync();
			const log = new AppendLog(filename, handle, inspected, onFailure);
			if (!isMarked) {
				// Earlier versions wrote no markers. An empty marker says that all later batches have one.
				await log.#write(markOf(0, 0));
			}
			return log;
		} catch (error) {
			await handle.close();
			throw error;
		}
	}

	/** Confirmed size of the file in bytes. */
	get size(): number {
		return this.#size;
	}

	/** Error of the last write; undefined while writes succeed. */
	get failure(): Error | undefined {
		return this.#failure;
	}

	/** Appends whole lines. Resolves when they are on disk. */
	append(lines: string): Promise<void> {
		if (this.#failure) {
			return Promise.reject(this.#failure);
		}
		this.#pending.push(lines);
		this.#next ??= (this.#writing ?? Promise.resolve()).catch(() => undefined).then(() => this.#writeBatch());
		return this.#next;
	}

	/** Resolves when all lines appended so far are on disk. */
	async confirmed(): Promise<void> {
		await (this.#next ?? this.#writing);
		if (this.#failure) {
			throw this.#failure;
		}
	}

	/** Replaces all lines. A crash or a full disk leaves the file unchanged. */
	async rewrite(lines: Iterable<string>): Promise<void> {
		await this.confirmed();
		const temporary = `${this.filename}~`;
		const handle = await open(temporary, "w", 0o600);
		let size = 0;
		try {
			let crc = 0;
			for (const chunk of inChunks(lines)) {
				await writeAll(handle, chunk, size);
				crc = crc32(chunk, crc);
				size += chunk.length;
			}
			const mark = Buffer.from(markOf(size, crc));
			await writeAll(handle, mark, size);
			size += mark.length;
			await handle.datasync();
			await rename(temporary, this.filename);
		} catch (error) {
			await handle.close();
			await rm(temporary, { force: true });
			throw error;
		}
		const previous = this.#handle;
		this.#handle = handle;
		this.#size = size;
		try {
			await syncFolder(this.filename);
		} catch (error) {
			// It is unknown which of the two files a power failure would leave.
			this.#failure = error as Error;
			this.#onFailure(this.#failure);
			throw error;
		} finally {
			await previous.close();
		}
	}

	/**
	 * Writes 64 KiB after the confirmed data and removes them again. Nothing may be appended meanwhile.
	 *
	 * @throws NotWritten if the file cannot grow: the disk is full, or a limit of its size is reached.
	 */
	async probe(): Promise<void> {
		await this.confirmed();
		const confirmed = this.#size;
		try {
			await this.#write(PROBE);
			this.#size = confirmed;
			await this.#handle.truncate(confirmed);
		} catch (error) {
			if (!(error instanceof NotWritten)) {
				this.#failure = error as Error;
				this.#onFailure(this.#failure);
			}
			throw error;
		}
	}

	/** Accepts appends again after a failure. Call it once all unconfirmed lines have been discarded from memory. */
	recover(): void {
		this.#failure = undefined;
	}

	/** Closes the file once all lines are on disk. */
	async close(): Promise<void> {
		await this.confirmed().catch(() => undefined);
		await this.#handle.close();
	}

	async #writeBatch(): Promise<void> {
		this.#writing = this.#next;
		this.#next = undefined;
		const lines = this.#pending.join("");
		this.#pending = [];
		try {
			if (this.#failure) {
				throw this.#failure;
			}
			const bytes = Buffer.from(lines);
			await this.#write(lines + markOf(bytes.length, crc32(bytes)));
		} catch (error) {
			if (!this.#failure) {
				this.#failure = error as Error;
				this.#onFailure(this.#failure);
			}
			throw error;
		} finally {
			this.#writing = undefined;
		}
	}

	async #write(lines: string): Promise<void> {
		const bytes = Buffer.from(lines);
		try {
			await writeAll(this.#handle, bytes, this.#size);
		} catch (error) {
			// If this fails too, the content of the file is unknown until a restart.
			await this.#handle.truncate(this.#size);
			throw new NotWritten(this.filename, error);
		}
		// A failed fsync is not retried: the kernel may then report success for data that the disk lacks.
		await this.#handle.datasync();
		this.#size += bytes.length;
	}
}

/** Error of a write that failed and left the file unchanged. */
export class NotWritten extends Error {
	override readonly name = "NotWrittenError";

	constructor(filename: string, cause: unknown) {
		super(`${basename(filename)} could not be written (${(cause as Error).message})`, { cause });
	}
}

/** Error of a file whose confirmed lines have changed. */
export class DamagedFile extends Error {}

function markOf(bytes: number, crc: number): string {
	return `{"$$batch":{"bytes":${bytes},"crc32":${crc}}}\n`;
}

const MARK = /^\{"\$\$batch":\{"bytes":(\d+),"crc32":(\d+)\}\}$/;
const MARK_MAX = markOf(Number.MAX_SAFE_INTEGER, 2 ** 32).length;

interface Inspected {
	/** End of the last complete batch, in bytes. */
	confirmed: number;
	isMarked: boolean;
	lines_read: number;
	/** Lines of the first batch whose content does not match its marker. */
	damaged: { from: number; to: number } | undefined;
}

/**
 * Reads a file from its beginning to find the end of its last complete batch.
 *
 * @throws DamagedFile if a complete batch follows a damaged one.
 */
export async function inspectLog(filename: string): Promise<Inspected> {
	let confirmed = 0;
	let isMarked = false;
	let damaged: Inspected["damaged"];
	let [batch_from, batch_crc, batch_line] = [0, 0, 1];
	let number = 0;
	for await (const { from, bytes } of linesOf(createReadStream(filename))) {
		number++;
		const mark = bytes.length <= MARK_MAX ? MARK.exec(bytes.toString("latin1", 0, bytes.length - 1)) : null;
		if (!mark) {
			batch_crc = crc32(bytes, batch_crc);
			confirmed = isMarked ? confirmed : from + bytes.length;
			continue;
		}
		const [length, crc] = [Number(mark[1]), Number(mark[2])];
		// An empty marker says that the lines before it have no marker.
		const isWhole = length === 0 || (length === from - batch_from && crc === batch_crc);
		if (isWhole && damaged) {
			throw new DamagedFile(
				`${filename} is damaged between lines ${damaged.from} and ${damaged.to}: restore it from a copy`,
			);
		}
		if (isWhole) {
			confirmed = from + bytes.length;
			isMarked = true;
		} else {
			damaged ??= { from: batch_line, to: number };
		}
		[batch_from, batch_crc, batch_line] = [from + bytes.length, 0, number + 1];
	}
	return { confirmed, isMarked, lines_read: number, damaged };
}

/**
 * Splits a file into lines with their line ends. Text after the last line end is ignored.
 *
 * @param first Offset of the first chunk.
 */
export async function* linesOf(
	chunks: AsyncIterable<Buffer>,
	first = 0,
): AsyncGenerator<{ from: number; bytes: Buffer }> {
	let partial: Buffer[] = [];
	let from = first;
	for await (const chunk of chunks) {
		let start = 0;
		for (let end = chunk.indexOf(0x0a); end >= 0; end = chunk.indexOf(0x0a, start)) {
			partial.push(chunk.subarray(start, end + 1));
			const bytes = partial.length === 1 ? (partial[0] as Buffer) : Buffer.concat(partial);
			partial = [];
			start = end + 1;
			yield { from, bytes };
			from += bytes.length;
		}
		if (start < chunk.length) {
			partial.push(chunk.subarray(start));
		}
	}
}

function* inChunks(lines: Iterable<string>): Generator<Buffer> {
	let chunk = "";
	for (const line of lines) {
		chunk += line;
		if (chunk.length >= CHUNK) {
			yield Buffer.from(chunk);
			chunk = "";
		}
	}
	yield Buffer.from(chunk);
}

async function writeAll(handle: FileHandle, bytes: Buffer, position: number): Promise<void> {
	for (let written = 0; written < bytes.length; ) {
		const { bytesWritten } = await handle.write(bytes, written, bytes.length - written, position + written);
		written += bytesWritten;
	}
}

/** Flushes the folder to disk, without which a new or renamed file may be missing after a power failure. */
async function syncFolder(filename: string): Promise<void> {
	const folder = await open(dirname(filename), "r");
	try {
		await folder.sync();
	} finally {
		await folder.close();
	}
}
