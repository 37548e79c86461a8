import { constants, createReadStream } from "node:fs";
import { type FileHandle, open, rename, rm } from "node:fs/promises";
import { basename, dirname } from "node:path";
import { crc32 } from "node:zlib";

/** Bytes that a rewrite of the file hands to the system at once. */
const CHUNK = 1024 * 1024;
/** What `probe()` writes: more than a batch is as a rule, and no line, so that a kill leaves nothing to read. */
const PROBE = " ".repeat(64 * 1024);

/**
 * A file of lines that keeps what it has confirmed through a power cut: an append is confirmed once it is on the disk,
 * and appends that come together share one fsync. Each batch ends with a line that holds its length and CRC-32, so that
 * the remains of a batch nobody was told of are recognised, and cut off, when the file is opened.
 *
 * After a failed write the file is cut back to the last confirmed batch, and every append fails until `recover()`. Any
 * other error than `NotWritten` means that only a new start, which reads the disk, can tell what the file holds.
 */
export class AppendLog {
	readonly filename: string;
	/** Lines that the file had when it was opened, outdated ones and marks included. */
	readonly lines_read: number;
	#handle: FileHandle;
	/** The length of what is confirmed, in bytes. */
	#size: number;
	#pending: string[] = [];
	#writing: Promise<void> | undefined;
	/** The batch after that one, which takes all that is appended meanwhile. */
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
	 * Opens the file, made if need be, without what an interrupted write has left at its end.
	 *
	 * @param onFailure Called once when a write fails; appends fail until `recover()`.
	 * @throws DamagedFile where confirmed lines are not as they were written.
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
			// A process that was killed may have left whole batches that are in memory only.
			await handle.datasync();
			const log = new AppendLog(filename, handle, inspected, onFailure);
			if (!isMarked) {
				// What an earlier version wrote has no marks: from here on there are.
				await log.#write(markOf(0, 0));
			}
			return log;
		} catch (error) {
			await handle.close();
			throw error;
		}
	}

	/** Bytes in the file. */
	get size(): number {
		return this.#size;
	}

	/** Whether writes fail at the moment. */
	get failure(): Error | undefined {
		return this.#failure;
	}

	/** Appends whole lines. Resolves when they are on the disk. */
	append(lines: string): Promise<void> {
		if (this.#failure) {
			return Promise.reject(this.#failure);
		}
		this.#pending.push(lines);
		this.#next ??= (this.#writing ?? Promise.resolve()).catch(() => undefined).then(() => this.#writeBatch());
		return this.#next;
	}

	/** Resolves when everything that was appended so far is on the disk. */
	async confirmed(): Promise<void> {
		await (this.#next ?? this.#writing);
		if (this.#failure) {
			throw this.#failure;
		}
	}

	/** Replaces all lines by these. A kill or a full disk in the middle leaves the file as it was. */
	async rewrite(lines: Iterable<string>): Promise<void> {
		await this.confirmed();
		const unfinished = `${this.filename}~`;
		const handle = await open(unfinished, "w", 0o600);
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
			await rename(unfinished, this.filename);
		} catch (error) {
			await handle.close();
			await rm(unfinished, { force: true });
			throw error;
		}
		const former = this.#handle;
		this.#handle = handle;
		this.#size = size;
		try {
			await syncFolder(this.filename);
		} catch (error) {
			// Nobody knows which of the two files a power cut would leave.
			this.#failure = error as Error;
			this.#onFailure(this.#failure);
			throw error;
		} finally {
			await former.close();
		}
	}

	/**
	 * Writes 64 KiB behind what is confirmed and takes them back. Nothing may be appended meanwhile.
	 *
	 * @throws NotWritten where this file takes no more: no room on the disk, or a limit of its size.
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

	/** Takes appends again after a failure: call it when what was not confirmed is forgotten everywhere. */
	recover(): void {
		this.#failure = undefined;
	}

	/** Closes the file once everything is on the disk. */
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
			// Where this fails too, only a new start can tell what the file holds.
			await this.#handle.truncate(this.#size);
			throw new NotWritten(this.filename, error);
		}
		// Not tried again where it fails: the system may then keep in memory what the disk lacks.
		await this.#handle.datasync();
		this.#size += bytes.length;
	}
}

/** The disk took no more, and the file is as it was before the write. */
export class NotWritten extends Error {
	override readonly name = "NotWrittenError";

	constructor(filename: string, cause: unknown) {
		super(`${basename(filename)} could not be written (${(cause as Error).message})`, { cause });
	}
}

/** Lines that were confirmed are not as they were written. */
export class DamagedFile extends Error {}

function markOf(bytes: number, crc: number): string {
	return `{"$$batch":{"bytes":${bytes},"crc32":${crc}}}\n`;
}

const MARK = /^\{"\$\$batch":\{"bytes":(\d+),"crc32":(\d+)\}\}$/;
const MARK_MAX = markOf(Number.MAX_SAFE_INTEGER, 2 ** 32).length;

interface Inspected {
	/** Where the last whole batch ends, in bytes. */
	confirmed: number;
	isMarked: boolean;
	lines_read: number;
	/** The lines of a batch at the end that has its mark, but is not as it was written. */
	damaged: { from: number; to: number } | undefined;
}

/**
 * Reads a file from its beginning to find where its last whole batch ends.
 *
 * @throws DamagedFile where a whole batch comes after one that is not.
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
		// A mark of nothing says that what stands before it has none.
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
 * The lines of a file with their ends; what stands behind the last line end is none.
 *
 * @param first Where the first chunk begins.
 */
export async function* linesOf(
	chunks: AsyncIterable<Buffer>,
	first = 0,
): AsyncGenerator<{ from: number; bytes: Buffer }> {
	let begun: Buffer[] = [];
	let from = first;
	for await (const chunk of chunks) {
		let start = 0;
		for (let end = chunk.indexOf(0x0a); end >= 0; end = chunk.indexOf(0x0a, start)) {
			begun.push(chunk.subarray(start, end + 1));
			const bytes = begun.length === 1 ? (begun[0] as Buffer) : Buffer.concat(begun);
			begun = [];
			start = end + 1;
			yield { from, bytes };
			from += bytes.length;
		}
		if (start < chunk.length) {
			begun.push(chunk.subarray(start));
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

/** A new or renamed file is there after a power cut once its folder is on the disk. */
async function syncFolder(filename: string): Promise<void> {
	const folder = await open(dirname(filename), "r");
	try {
		await folder.sync();
	} finally {
		await folder.close();
	}
}
