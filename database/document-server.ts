import MongoAdapter from "moleculer-db-adapter-mongo";
import type { NativeCollection, SettingsCollection } from "./document-store.ts";

/** The part of the adapter that the `documents` mixin uses itself. */
export interface NativeMongo {
	connect(): Promise<void>;
	client: unknown;
	db: { command(command: object): Promise<unknown>; collection(name: string): SettingsCollection };
	collection: NativeCollection<unknown>;
	count(filters: { query: object }): Promise<number>;
	beside(name: string): NativeMongo;
}

const AT_ONCE = 100;

interface Filters {
	query?: object;
	fields?: readonly string[] | undefined;
}

/** A query that may have clauses of one field each of which none is met. */
type Query = { $nor?: Record<string, unknown>[] };

/** moleculer-db's adapter of a MongoDB server, which reads only some fields where they are named. */
export class ServerAdapter extends MongoAdapter {
	/** Another collection in the same database, over the same connections. */
	beside(name: string): NativeMongo {
		const { db } = this as unknown as NativeMongo;
		return Object.assign(Object.create(this), { collection: db.collection(name) });
	}

	override updateMany(query: Query, update: object): Promise<number> {
		return super.updateMany(withoutNor(query), update);
	}

	override find(filters: Parameters<MongoAdapter["find"]>[0]): Promise<object[]> {
		return cursorOf(this, filters as Filters).toArray();
	}

	/** By one query: the server for development reads all that matches again for each. */
	async *inBatches(query: object, fields?: readonly string[]): AsyncGenerator<object[]> {
		const cursor = cursorOf(this, { query, fields }).batchSize(AT_ONCE);
		try {
			let batch: object[] = [];
			for await (const document of cursor) {
				batch.push(document);
				if (batch.length === AT_ONCE) {
					yield batch;
					batch = [];
				}
			}
			if (batch.length > 0) {
				yield batch;
			}
		} finally {
			// Where the caller has enough, or fails, it would stay open at the server.
			await cursor.close();
		}
	}
}

/**
 * Negates the clauses of `$nor` one by one, which means the same: SecantusDB, the server for development, reads the whole
 * collection for a query that has an operator beside `_id`.
 */
function withoutNor({ $nor = [], ...query }: Query): object {
	const negated = $nor.flatMap((clause) =>
		Object.entries(clause).map(([field, value]) => {
			const { $in } = (value ?? {}) as { $in?: unknown[] };
			return [field, $in ? { $nin: $in } : { $ne: value }];
		}),
	);
	return { ...query, ...Object.fromEntries(negated) };
}

function cursorOf(adapter: MongoAdapter, { fields, ...filters }: Filters) {
	const cursor = adapter.createCursor(filters);
	return fields ? cursor.project(Object.fromEntries(["_id", ...fields].map((field) => [field, 1]))) : cursor;
}
