import nedb from "@seald-io/nedb";

/** Internals of NeDB (3.1.0) that its types leave out. */
export interface Internals {
	persistence: {
		beforeDeserialization(line: string | Buffer): string | Buffer;
		persistNewStateAsync(documents: object[]): Promise<void>;
		persistCachedDatabaseAsync(): Promise<void>;
		treatRawStreamAsync(stream: NodeJS.ReadableStream): Promise<{ data: object[] }>;
	};
	executor: { pushAsync<T>(task: () => Promise<T>, isForced?: boolean): Promise<T> };
	indexes: Record<string, Index>;
	getAllData(): object[];
	_resetIndexes(documents: object[]): void;
	_updateIndexes(changes: Change[]): void;
}

interface Index {
	fieldName: string;
	unique: boolean;
	sparse: boolean;
	tree: {
		/** Adds a document to the list under a key. */
		insert(key: unknown, document: object): void;
		/** Removes a document from the list under a key. */
		delete(key: unknown, document: object): void;
		/** Returns the list itself under a key. */
		search(key: unknown): object[];
	};
}

/** A changed document, before and after. */
interface Change {
	oldDoc: object;
	newDoc: object;
}

/** Result of a query that has not run yet. */
export interface Cursor<T = object[]> {
	projection(fields: Record<string, 1>): Cursor<T>;
	execAsync(): Promise<T>;
}

/** Methods of NeDB that return promises. */
export interface Calls {
	ensureIndex(options: { fieldName: string; unique: boolean; sparse: boolean }): Promise<void>;
	findOneAsync(query: object): Cursor<object | null>;
	countAsync(query: object): Cursor<number>;
	insertAsync<T extends object>(documents: T): Promise<T>;
	updateAsync(query: object, update: object, options: { multi: true }): Promise<{ numAffected: number }>;
	removeAsync(query: object, options: { multi: true }): Promise<number>;
}

/** NeDB's types are those of another module system. */
const Nedb = nedb as unknown as new (options: object) => Internals & Calls;

/**
 * NeDB whose updates change only those entries of an index whose keys have changed. NeDB itself takes a document out of all indexes and
 * puts it into them again: with an index of holds, each hold of a product adds 4 µs to its updates. Indexed values are strings.
 */
export class Datastore extends Nedb {
	override _updateIndexes(changes: Change[]): void {
		const entries = changes.flatMap((change) =>
			Object.values(this.indexes).map((index) => ({
				...{ ...change, unique: index.unique, tree: index.tree },
				before: keysIn(index, change.oldDoc),
				after: keysIn(index, change.newDoc),
			})),
		);
		if (entries.some(({ unique, before, after }) => unique && before.symmetricDifference(after).size > 0)) {
			// May be refused, and then undone.
			super._updateIndexes(changes);
			return;
		}
		for (const { tree, before, after, oldDoc, newDoc } of entries) {
			for (const key of before.difference(after)) {
				tree.delete(key, oldDoc);
			}
			for (const key of after.difference(before)) {
				tree.insert(key, newDoc);
			}
			for (const key of before.intersection(after)) {
				const documents = tree.search(key);
				documents[documents.indexOf(oldDoc)] = newDoc;
			}
		}
	}
}

/** Returns the keys of a document in an index. */
function keysIn({ fieldName, sparse }: Index, document: object): Set<unknown> {
	const value = fieldName.split(".").reduce<unknown>((holder, name) => {
		const fieldOf = (one: unknown) => (one as Record<string, unknown> | null | undefined)?.[name];
		return Array.isArray(holder) ? holder.map(fieldOf) : fieldOf(holder);
	}, document);
	return new Set(Array.isArray(value) ? value : value === undefined && sparse ? [] : [value]);
}
