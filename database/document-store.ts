/** A field that is looked up often; `unique` refuses a second document with the same value. */
export interface DocumentIndex {
	field: string;
	unique?: boolean;
	/** Of no use in a file, which has one owner. */
	onServer?: boolean;
}

/** The part of moleculer-db's adapters that means the same on NeDB and on MongoDB. */
export interface DocumentAdapter<D> {
	/** @param filters.fields Those that are read beside `_id`; all where none are named. */
	find<F extends keyof D & string = keyof D & string>(filters: {
		query?: object;
		sort?: string[];
		limit?: number;
		offset?: number;
		fields?: readonly F[];
	}): Promise<Pick<D, F | ("_id" & keyof D)>[]>;
	/** All documents that match, some at a time, in no order; of those that change meanwhile some may come twice, or not. */
	inBatches<F extends keyof D & string = keyof D & string>(
		query: object,
		fields?: readonly F[],
	): AsyncIterable<Pick<D, F | ("_id" & keyof D)>[]>;
	findOne(query: object): Promise<D | null>;
	count(filters: { query?: object }): Promise<number>;
	insert(document: D): Promise<D>;
	insertMany(documents: D[]): Promise<D[]>;
	/** One atomic update of each document that matches; answers how many were changed. */
	updateMany(query: object, update: object): Promise<number>;
	/** Answers how many documents are gone. */
	removeMany(query: object): Promise<number>;
}

/** A second collection in the same file or database, copied and restored together with the first. */
export interface Beside {
	/** Its name on a server. */
	name: string;
	indexes: DocumentIndex[];
}

/** Notes that are kept in a store beside its documents. */
export interface StoreNotes {
	read(name: string): Promise<string | number | undefined>;
	/** Notes something unless there is something under this name already. */
	add(name: string, value: string | number): Promise<void>;
	/** Notes a number unless a higher one is noted. */
	raise(name: string, value: number): Promise<void>;
}

/** The part of the MongoDB driver's collections that Toko uses beside the adapter. */
export interface NativeCollection<D> {
	createIndex(fields: object, options: object): Promise<string>;
	distinct(field: string, query: object): Promise<string[]>;
	find(query: object): NativeCursor<D>;
}

export interface NativeCursor<D> {
	sort(keys: object): NativeCursor<D>;
	project(fields: object): NativeCursor<D>;
	skip(rows: number): NativeCursor<D>;
	limit(rows: number): NativeCursor<D>;
	toArray(): Promise<D[]>;
}

/** The part of the MongoDB driver's collections that a record of settings needs. */
export interface SettingsCollection {
	find(query: object): { toArray(): Promise<{ _id: string; value: unknown }[]> };
	updateOne(query: object, update: object, options: object): Promise<unknown>;
}
