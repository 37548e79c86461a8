import { createReadStream } from "node:fs";
import { Readable } from "node:stream";
import nedb from "@seald-io/nedb";
import type { Service, ServiceBroker } from "moleculer";
import DbService from "moleculer-db";
import { AppendLog, NotWritten } from "./append-log.ts";

/** The file is compacted once it has grown by this multiple of its compacted size, and by this many bytes. */
const GROWTH_MAX = 3;
const GROWTH_MIN = 16 * 1024 * 1024;
/** Number of documents that are read at once when there are many. */
const BATCH = 100;

/** Internals of NeDB (3.1.0) that its types leave out. */
interface Internals {
	persistence: {
		beforeDeserialization(line: string | Buffer): string | Buffer;
		persistNewStateAsync(documents: object[]): Promise<void>;
		persistCachedDatabaseAsync(): Promise<void>;
		treatRawStreamAsync(stream: NodeJS.ReadableStream): Promise<{ data: object[] }>;
	};
	executor: { pushAsync<T>(task: () => Promise<T>, isForced?: boolean): Promise<T> };
	indexes: Record<string, { unique: boolean; sparse: boolean }>;
	getAllData(): object[];
	_resetIndexes(documents: object[]): void;
}

interface Deleted {
	_id: string;
	$$deleted: true;
}

/** Metadata of a file. */
export type Metadata = Record<string, unknown>;

/** Prefix of a line of metadata. It has no `_id`, so NeDB and other readers of documents ignore the line. */
export const METADATA = '{"$$notes":';

/** Prefix of a line of the second collection. It has no `_id` either. */
const SECONDARY = '{"$$beside":';

/** Line of the second collection: a document or its deletion. */
export interface SecondaryLine<D> {
	$$beside: D | Deleted;
}

interface Filters {
	query?: object;
	sort?: string[];
	limit?: number;
	offset?: number;
	fields?: readonly string[];
}

interface Cursor<T = object[]> {
	projection(fields: Record<string, 1>): Cursor<T>;
	execAsync(): Promise<T>;
}

/** Methods of NeDB that return promises. */
interface Calls {
	ensureIndex(options: { fieldName: string; unique: boolean }): Promise<void>;
	findOneAsync(query: object): Cursor<object | null>;
	countAsync(query: object): Cursor<number>;
	insertAsync<T extends object>(documents: T): Promise<T>;
	updateAsync(query: object, update: object, options: { multi: true }): Promise<{ numAffected: number }>;
	removeAsync(query: object, options: { multi: true }): Promise<number>;
}

/** NeDB's types are those of another module system. */
const Datastore = nedb as unknown as new (options: object) => Internals;

const { MemoryAdapter } = DbService as unknown as {
	MemoryAdapter: new (
		db: object,
	) => {
		broker: ServiceBroker;
		service: Service;
		db: Calls;
		connect(): Promise<void>;
		disconnect(): Promise<void>;
		find(filters: Filters): Promise<object[]>;
		findOne(query: object): Promise<object | null>;
		count(filters: Filters): Promise<number>;
		insert(document: object): Promise<object>;
		insertMany(documents: object[]): Promise<object[]>;
		updateMany(query: object, update: object): Promise<number>;
		removeMany(query: object): Promise<number>;
		createCursor(filters: Filters): Cursor;
	};
};

/**
 * NeDB collection whose calls, reads included, resolve only after all data that they saw is on disk. It calls NeDB's
 * promise methods directly: the adapter's own methods wrap them in callbacks and promises again.
 */
abstract class ConfirmedCollection extends MemoryAdapter {
	/** Resolves when all writes so far are on disk. */
	protected abstract confirmed(): Promise<void> | undefined;

	override find(filters: Filters) {
		return this.#confirmed(this.createCursor(filters).execAsync());
	}

	async *inBatches(query: object, fields?: string[]): AsyncGenerator<object[]> {
		for (let after = ""; ; ) {
			const found = await this.find({
				...{ query: { ...query, _id: { $gt: after } }, sort: ["_id"], limit: BATCH },
				...(fields ? { fields } : {}),
			});
			if (found.length > 0) {
				yield found;
			}
			if (found.length < BATCH) {
				return;
			}
			after = (found.at(-1) as { _id: string })._id;
		}
	}

	override findOne(query: object) {
		return this.#confirmed(this.db.findOneAsync(query).execAsync());
	}

	override count(filters: Filters) {
		return this.#confirmed(this.db.countAsync(filters.query ?? {}).execAsync());
	}

	override insert(document: object) {
		return this.#confirmed(this.db.insertAsync(document));
	}

	override insertMany(documents: object[]) {
		return this.#confirmed(this.db.insertAsync(documents));
	}

	override async updateMany(query: object, update: object) {
		const updating = this.db.updateAsync(withoutNor(query), update, { multi: true });
		return (await this.#confirmed(updating)).numAffected;
	}

	override removeMany(query: object) {
		return this.#confirmed(this.db.removeAsync(query, { multi: true }));
	}

	/** Copies only the requested fields, as NeDB's projection does. */
	override createCursor(filters: Filters) {
		const cursor = super.createCursor(filters);
		return filters.fields
			? cursor.projection(Object.fromEntries(["_id", ...filters.fields].map((field) => [field, 1])))
			: cursor;
	}

	async #confirmed<T>(call: Promise<T>): Promise<T> {
		const result = await call;
		await this.confirmed();
		return result;
	}
}

/** A second collection in the file of the first one. */
class SecondaryFileCollection extends ConfirmedCollection {
	#nedb: Internals;
	#confirm: () => Promise<void> | undefined;

	/**
	 * @param owner The first collection. Calls to both run in the order in which they are made.
	 * @param append Appends lines to the file.
	 */
	constructor(owner: Internals, append: (lines: object[]) => void, confirm: () => Promise<void> | undefined) {
		const datastore = new Datastore({});
		datastore.executor = owner.executor;
		datastore.persistence.persistNewStateAsync = async (documents) => {
			// Indexes are not stored, since each start creates them.
			const lines = documents.filter((document) => "_id" in document).map(($$beside) => ({ $$beside }));
			if (lines.length > 0) {
				append(lines);
			}
		};
		super(datastore);
		this.#nedb = datastore;
		this.#confirm = confirm;
	}

	/** Replaces all documents in memory. */
	reset(documents: Iterable<object>): void {
		this.#nedb._resetIndexes([...documents]);
	}

	get size(): number {
		return this.#nedb.getAllData().length;
	}

	*lines(): Generator<string> {
		for (const $$beside of this.#nedb.getAllData()) {
			yield lineOf({ $$beside });
		}
	}

	protected override confirmed() {
		return this.#confirm();
	}
}

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
	#filename: string;
	#nedb: Internals;
	#log: AppendLog | undefined;
	/** Size of the file after its last compaction, or when it was opened. */
	#base_size = 0;
	#isCompacting = false;
	/** Metadata of the file, in lines that NeDB ignores. */
	#metadata: Metadata = {};
	/** Documents of the second collection that were read from the file and not yet loaded into it. */
	#read_secondary = new Map<string, object>();
	/** Set from a failed write until the next successful one. */
	#failure: Error | undefined;

	constructor(filename: string) {
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
				this.#readSecondary(JSON.parse(text) as SecondaryLine<{ _id: string }>);
				return "{}";
			}
			return line;
		};
		this.secondary = new SecondaryFileCollection(
			this.#nedb,
			(lines) => this.#append(lines),
			() => this.confirmed(),
		);
		const read = this.#nedb.persistence.treatRawStreamAsync.bind(this.#nedb.persistence);
		this.#nedb.persistence.treatRawStreamAsync = (stream) => read(Readable.from(escaped(stream)));
	}

	override async connect(): Promise<void> {
		this.#log = await AppendLog.open(this.#filename, (failure) => this.#recover(failure));
		await super.connect();
		await this.secondary.connect();
		this.#loadSecondary();
		this.#base_size = this.#log.size;
		if (this.#log.lines_read > GROWTH_MAX * (this.#nedb.getAllData().length + this.secondary.size)) {
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

	#readSecondary({ $$beside: document }: SecondaryLine<{ _id: string }>): void {
		if ("$$deleted" in document) {
			this.#read_secondary.delete(document._id);
		} else {
			this.#read_secondary.set(document._id, document);
		}
	}

	#loadSecondary(): void {
		this.secondary.reset(this.#read_secondary.values());
		this.#read_secondary.clear();
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
				this.#read_secondary.clear();
				const { data } = await this.#nedb.persistence.treatRawStreamAsync(
					createReadStream(this.#filename, "utf8"),
				);
				this.#nedb._resetIndexes(data);
				this.#loadSecondary();
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
		yield* this.secondary.lines();
		for (const [fieldName, { unique, sparse }] of Object.entries(this.#nedb.indexes)) {
			if (fieldName !== "_id") {
				yield lineOf({ $$indexCreated: { fieldName, unique, sparse } });
			}
		}
	}
}

/** Rewrites `$nor`, which NeDB lacks, as negated queries: its `$not` applies to whole queries. */
function withoutNor({ $nor = [], ...query }: { $nor?: object[] }): object {
	return $nor.length === 0 ? query : { ...query, $and: $nor.map((one) => ({ $not: one })) };
}

function lineOf(document: object): string {
	return `${withoutSeparators(JSON.stringify(document))}\n`;
}

/** Escapes three characters that JSON allows in text, but that NeDB reads as line ends. */
function withoutSeparators(json: string): string {
	return json.replace(
		/[\u0085\u2028\u2029]/g,
		(separator) => `\\u${separator.charCodeAt(0).toString(16).padStart(4, "0")}`,
	);
}

async function* escaped(stream: NodeJS.ReadableStream): AsyncGenerator<string> {
	for await (const text of stream) {
		yield withoutSeparators(String(text));
	}
}
