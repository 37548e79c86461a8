import MongoAdapter from "moleculer-db-adapter-mongo";
import type { NativeCollection, SettingsCollection } from "./document-store.ts";

/** Members of the adapter that the `documents` mixin uses directly. */
export interface NativeMongo {
	connect(): Promise<void>;
	client: unknown;
	db: { command(command: object): Promise<unknown>; collection(name: string): SettingsCollection };
	collection: NativeCollection<unknown>;
	count(filters: { query: object }): Promise<number>;
	secondary(name: string): NativeMongo;
}

const BATCH = 100;

interface Filters {
	query?: object;
	fields?: readonly string[] | undefined;
}

/** A query that may have `$nor`, with one field per clause. */
type Query = { $nor?: Record<string, unknown>[] };

/** Adapter of moleculer-db for a MongoDB server that reads only the requested fields. */
export class ServerAdapter extends MongoAdapter {
	/** Returns the adapter of another collection in the same database, over the same connections. */
	secondary(name: string): NativeMongo {
		const { db } = this as unknown as NativeMongo;
		return Object.assign(Object.create(this), { collection: db.collection(name) });
	}

	override updateMany(query: Query, update: object): Promise<number> {
		return super.updateMany(withoutNor(query), update);
	}

	override find(filters: Parameters<MongoAdapter["find"]>[0]): Promise<object[]> {
		return cursorOf(this, filters as Filters).toArray();
	}

	/** Reads all matches by one query: the development server would scan all of them again for each page. */
	async *inBatches(query: object, fields?: readonly string[]): AsyncGenerator<object[]> {
		const cursor = cursorOf(this, { query, fields }).batchSize(BATCH);
		try {
			let batch: object[] = [];
			for await (const document of cursor) {
				batch.push(document);
				if (batch.length === BATCH) {
					yield batch;
					batch = [];
				}
			}
			if (batch.length > 0) {
				yield batch;
			}
		} finally {
			// The cursor would stay open on the server after the caller stops early or fails.
			await cursor.close();
		}
	}
}

/**
 * Rewrites `$nor` as an equivalent negation of each clause: SecantusDB, the development server, scans the whole
 * collection for a query with a top-level operator.
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
