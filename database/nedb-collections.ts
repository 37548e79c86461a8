import type { Service, ServiceBroker } from "moleculer";
import DbService from "moleculer-db";
import { type Calls, type Cursor, Datastore, type Internals } from "./nedb-datastore.ts";

interface Deleted {
	_id: string;
	$$deleted: true;
}

/** Number of documents that are read at once when there are many. */
const BATCH = 100;

/** Prefix of a line of the second collection. It has no `_id`, so NeDB ignores the line. */
export const SECONDARY = '{"$$beside":';
/** Prefix of a line of a further collection, ignored by NeDB and by earlier versions. */
export const FURTHER = '{"$$in":';

/** Line of the second collection: a document or its deletion. */
export interface SecondaryLine<D> {
	$$beside: D | Deleted;
}

/** Line of a further collection. */
export interface FurtherLine<D> {
	/** Name of the collection. */
	$$in: string;
	document: D | Deleted;
}

interface Filters {
	query?: object;
	sort?: string[];
	limit?: number;
	offset?: number;
	fields?: readonly string[];
}

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
export abstract class ConfirmedCollection extends MemoryAdapter {
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

/** A further collection in the file of the first one. */
export class SecondaryFileCollection extends ConfirmedCollection {
	#nedb: Internals;
	#confirm: () => Promise<void> | undefined;
	#toLine: (document: object) => SecondaryLine<object> | FurtherLine<object>;

	/**
	 * @param owner The first collection. Calls to all run in the order in which they are made.
	 * @param toLine Returns the line of a document or its deletion.
	 * @param append Appends lines to the file.
	 */
	constructor(
		owner: Internals,
		toLine: (document: object) => SecondaryLine<object> | FurtherLine<object>,
		append: (lines: object[]) => void,
		confirm: () => Promise<void> | undefined,
	) {
		const datastore = new Datastore({});
		datastore.executor = owner.executor;
		datastore.persistence.persistNewStateAsync = async (documents) => {
			// Indexes are not stored, since each start creates them.
			const lines = documents.filter((document) => "_id" in document).map(toLine);
			if (lines.length > 0) {
				append(lines);
			}
		};
		super(datastore);
		this.#nedb = datastore;
		this.#toLine = toLine;
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
		for (const document of this.#nedb.getAllData()) {
			yield lineOf(this.#toLine(document));
		}
	}

	protected override confirmed() {
		return this.#confirm();
	}
}

/** Rewrites `$nor`, which NeDB lacks, as negated queries: its `$not` applies to whole queries. */
function withoutNor({ $nor = [], ...query }: { $nor?: object[] }): object {
	return $nor.length === 0 ? query : { ...query, $and: $nor.map((one) => ({ $not: one })) };
}

/** Returns the line of the file for a document. */
export function lineOf(document: object): string {
	return `${withoutSeparators(JSON.stringify(document))}\n`;
}

/** Escapes three characters that JSON allows in text, but that NeDB reads as line ends. */
export function withoutSeparators(json: string): string {
	return json.replace(
		/[\u0085\u2028\u2029]/g,
		(separator) => `\\u${separator.charCodeAt(0).toString(16).padStart(4, "0")}`,
	);
}
