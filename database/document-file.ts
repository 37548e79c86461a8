import { createReadStream } from "node:fs";
import { Readable } from "node:stream";
import { AppendLog, NotWritten } from "./append-log.ts";
import {
	ConfirmedCollection,
	FURTHER,
	type FurtherLine,
	lineOf,
	SECONDARY,
	SecondaryFileCollection,
	type SecondaryLine,
	withoutSeparators,
} from "./nedb-collections.ts";
import { Datastore, type Internals } from "./nedb-datastore.ts";
import { collectFeedback } from "./nedb-feedback.ts";

/** The file is compacted once it has grown by this multiple of its compacted size, and by this many bytes. */
const GROWTH_MAX = 3;
const GROWTH_MIN = 16 * 1024 * 1024;

/** Metadata of a file. */
export type Metadata = Record<string, unknown>;

/** Prefix of a line of metadata. It has no `_id`, so NeDB and other readers of documents ignore the line. */
export const METADATA = '{"$$notes":';

/**
 * NeDB adapter of moleculer-db on a file that survives power failures and full disks. NeDB changes its memory first; no
 * call resolves, not even a read, before all data that it saw is on disk. Concurrent calls share one fsync.
 *
 * After a failed write its callers get `NotWritten` and the documents are read from the file again, so that no data is
 * served that the disk lacks.
 */
export class FileAdapter extends ConfirmedCollection {
	/** A second collection in the same file: copied, restored and confirmed together with the first. */
	readonly secondary: SecondaryFileCollection;
	/** Further collections in the same file, by name. */
	readonly further: ReadonlyMap<string, SecondaryFileCollection>;
	#filename: string;
	#nedb: Internals;
	#log: AppendLog | undefined;
	/** Size of the file after its last compaction, or when it was opened. */
	#base_size = 0;
	#isCompacting = false;
	/** Metadata of the file, in lines that NeDB ignores. */
	#metadata: Metadata = {};
	/** Documents of the other collections that were read from the file and not yet loaded into them. */
	#read_others = new Map<SecondaryFileCollection, Map<string, object>>();
	/** Set from a failed write until the next successful one. */
	#failure: Error | undefined;

	/** @param names Names of the further collections. */
	constructor(filename: string, names: readonly string[] = []) {
		// AppendLog truncates the remains of an interrupted write. Anything else is damage, which must not be dropped
		// silently.
		const datastore = new Datastore({ filename, corruptAlertThreshold: 0 });
		super(datastore);
		this.#filename = filename;
		this.#nedb = datastore;
		this.#nedb.persistence.persistNewStateAsync = async (documents) => this.#append(documents);
		this.#nedb.persistence.persistCachedDatabaseAsync = async () => undefined;
		this.#nedb.persistence.beforeDeserialization = (line) => {
			const text = String(line);
			if (text.startsWith(METADATA)) {
				this.#metadata = (JSON.parse(text) as { $$notes: Metadata }).$$notes;
			} else if (text.startsWith(SECONDARY)) {
				const { $$beside } = JSON.parse(text) as SecondaryLine<{ _id: string }>;
				this.#readOther(this.secondary, $$beside);
				return "{}";
			} else if (text.startsWith(FURTHER)) {
				const { $$in, document } = JSON.parse(text) as FurtherLine<{ _id: string }>;
				this.#readOther(this.further.get($$in), document);
				return "{}";
			}
			return line;
		};
		const other = (toLine: ConstructorParameters<typeof SecondaryFileCollection>[1]) =>
			new SecondaryFileCollection(
				this.#nedb,
				toLine,
				(lines) => this.#append(lines),
				() => this.confirmed(),
			);
		this.secondary = other(($$beside) => ({ $$beside }));
		this.further = new Map(names.map((name) => [name, other((document) => ({ $$in: name, document }))]));
		const read = this.#nedb.persistence.treatRawStreamAsync.bind(this.#nedb.persistence);
		this.#nedb.persistence.treatRawStreamAsync = (stream) => read(Readable.from(escaped(stream)));
	}

	override async connect(): Promise<void> {
		await collectFeedback();
		this.#log = await AppendLog.open(this.#filename, (failure) => this.#recover(failure));
		await super.connect();
		await Promise.all(this.#others.map((other) => other.connect()));
		this.#loadOthers();
		this.#base_size = this.#log.size;
		const documents = this.#others.reduce((sum, { size }) => sum + size, this.#nedb.getAllData().length);
		if (this.#log.lines_read > GROWTH_MAX * documents) {
			this.#compact();
		}
	}

	override async disconnect(): Promise<void> {
		await this.#nedb.executor.pushAsync(async () => this.#log?.close());
		await super.disconnect();
	}

	/** Metadata stored in the file with its documents: it is copied and restored with them. */
	get metadata(): Metadata {
		return this.#metadata;
	}

	/** Stores a value in the metadata; a number replaces only a lower one. Resolves when it is on disk. */
	setMetadata(name: string, value: string | number): Promise<void> {
		return this.#changeMetadata((metadata) => {
			const stored = metadata[name];
			const isLower = typeof value === "number" && typeof stored === "number" && stored >= value;
			return isLower ? {} : { [name]: value };
		});
	}

	/** Sets values of the metadata together, and removes those that are undefined. Resolves when they are on disk. */
	setAllMetadata(values: Metadata): Promise<void> {
		return this.#changeMetadata(() => values);
	}

	async #changeMetadata(changes: (metadata: Metadata) => Metadata): Promise<void> {
		await this.#nedb.executor.pushAsync(async () => {
			const changed = changes(this.#metadata);
			if (Object.keys(changed).length > 0) {
				this.#metadata = { ...this.#metadata, ...changed };
				this.#append([{ $$notes: this.#metadata }]);
			}
		});
		await this.confirmed();
	}

	/**
	 * Throws while the file cannot be written. After a failed write it probes, between two calls, whether writes succeed
	 * again.
	 */
	async ping(): Promise<void> {
		if (!this.#failure) {
			return;
		}
		await this.#nedb.executor.pushAsync(async () => {
			if (this.#failure) {
				await this.#log?.probe();
				this.#failure = undefined;
			}
		});
	}

	protected override confirmed() {
		return this.#log?.confirmed();
	}

	/** The second and the further collections. */
	get #others(): SecondaryFileCollection[] {
		return [this.secondary, ...this.further.values()];
	}

	/** Collects a line of a collection; those of collections that this version does not know are dropped. */
	#readOther(collection: SecondaryFileCollection | undefined, document: { _id: string }): void {
		if (!collection) {
			return;
		}
		const read = this.#read_others.get(collection) ?? new Map<string, object>();
		this.#read_others.set(collection, read);
		if ("$$deleted" in document) {
			read.delete(document._id);
		} else {
			read.set(document._id, document);
		}
	}

	#loadOthers(): void {
		for (const other of this.#others) {
			other.reset(this.#read_others.get(other)?.values() ?? []);
		}
		this.#read_others.clear();
	}

	/** Appends lines to the log. NeDB's memory has changed already; `confirmed` waits for the disk. */
	#append(documents: object[]): void {
		const log = this.#log as AppendLog;
		if (log.failure) {
			throw log.failure;
		}
		log.append(documents.map(lineOf).join("")).then(
			() => {
				this.#failure = undefined;
			},
			() => undefined,
		);
		if (log.size > this.#base_size * (1 + GROWTH_MAX) && log.size > this.#base_size + GROWTH_MIN) {
			this.#compact();
		}
	}

	/** Discards unconfirmed changes. NeDB's operations fail until the log accepts writes again. */
	#recover(failure: Error): void {
		this.#failure = failure;
		if (!(failure instanceof NotWritten)) {
			this.#end(`${this.#filename}: ${failure.message}`, failure);
			return;
		}
		this.service.logger.warn(`${failure.message}: unwritten changes were rolled back`);
		this.#nedb.executor
			.pushAsync(async () => {
				this.#metadata = {};
				this.#read_others.clear();
				const { data } = await this.#nedb.persistence.treatRawStreamAsync(
					createReadStream(this.#filename, "utf8"),
				);
				this.#nedb._resetIndexes(data);
				this.#loadOthers();
				this.#log?.recover();
			}, true)
			.catch((error: Error) => this.#end(`${this.#filename} could not be reloaded: ${error.message}`, error));
	}

	/** Ends the process: only a restart, which reads the disk, can determine the content of the file. */
	#end(message: string, error: Error): void {
		this.broker.fatal(message, error, true);
	}

	/** Compacts the file between two calls: rewrites it without superseded lines. */
	#compact(): void {
		if (this.#isCompacting) {
			return;
		}
		this.#isCompacting = true;
		this.#nedb.executor
			.pushAsync(async () => this.#log?.rewrite(this.#lines()))
			.catch((error: Error) =>
				this.service.logger.warn(`${this.#filename} could not be compacted: ${error.message}`),
			)
			.finally(() => {
				this.#base_size = this.#log?.size ?? 0;
				this.#isCompacting = false;
			});
	}

	*#lines(): Generator<string> {
		yield lineOf({ $$notes: this.#metadata });
		for (const document of this.#nedb.getAllData()) {
			yield lineOf(document);
		}
		for (const other of this.#others) {
			yield* other.lines();
		}
		for (const [fieldName, { unique, sparse }] of Object.entries(this.#nedb.indexes)) {
			if (fieldName !== "_id") {
				yield lineOf({ $$indexCreated: { fieldName, unique, sparse } });
			}
		}
	}
}

async function* escaped(stream: NodeJS.ReadableStream): AsyncGenerator<string> {
	for await (const text of stream) {
		yield withoutSeparators(String(text));
	}
}
