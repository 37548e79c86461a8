/** Index on a field that is often queried; `unique` rejects a second document with the same value. */
export interface DocumentIndex {
	field: string;
	unique?: boolean;
	/** True if documents without the field are not in the index, so that `unique` allows any number of them. */
	sparse?: boolean;
	/** True if the index is useless in a file, which has one owner. */
	onServer?: boolean;
}

/** The subset of moleculer-db's adapters that behaves the same on NeDB and on MongoDB. */
export interface DocumentAdapter<D> {
	/** @param filters.fields Fields to read besides `_id`; all fields by default. */
	find<F extends keyof D & string = keyof D & string>(filters: {
		query?: object;
		sort?: string[];
		limit?: number;
		offset?: number;
		fields?: readonly F[];
	}): Promise<Pick<D, F | ("_id" & keyof D)>[]>;
	/**
	 * Reads all matching documents in batches, in no order. Documents that change meanwhile may be returned twice, or
	 * not.
	 */
	inBatches<F extends keyof D & string = keyof D & string>(
		query: object,
		fields?: readonly F[],
	): AsyncIterable<Pick<D, F | ("_id" & keyof D)>[]>;
	findOne(query: object): Promise<D | null>;
	count(filters: { query?: object }): Promise<number>;
	insert(document: D): Promise<D>;
	insertMany(documents: D[]): Promise<D[]>;
	/** Updates each matching document atomically; returns the number of changed documents. */
	updateMany(query: object, update: object): Promise<number>;
	/** Returns the number of removed documents. */
	removeMany(query: object): Promise<number>;
}

/** A further collection in the same file or database, copied and restored together with the first. */
export interface SecondaryCollection {
	name: string;
	indexes: DocumentIndex[];
}

/** Metadata of a store, stored with its documents. */
export interface StoreMetadata {
	read(name: string): Promise<unknown>;
	/** Stores a value unless one is stored under this name. */
	add(name: string, value: string | number): Promise<void>;
	/** Stores a number unless a higher one is stored. */
	raise(name: string, value: number): Promise<void>;
}

/** The subset of the MongoDB driver's collections that Toko uses directly. */
export interface NativeCollection<D> {
	createIndex(fields: object, options: object): Promise<string>;
	distinct(field: string, query: object): Promise<string[]>;
	find(query: object): NativeCursor<D>;
}

interface NativeCursor<D> {
	sort(keys: object): NativeCursor<D>;
	project(fields: object): NativeCursor<D>;
	skip(rows: number): NativeCursor<D>;
	limit(rows: number): NativeCursor<D>;
	toArray(): Promise<D[]>;
}

/** The subset of the MongoDB driver's collections that a record of settings needs. */
export interface SettingsCollection {
	find(query: object): { toArray(): Promise<{ _id: string; value: unknown }[]> };
	updateOne(query: object, update: object, options: object): Promise<unknown>;
}
