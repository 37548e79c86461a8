import MongoAdapter from "moleculer-db-adapter-mongo";
import { type Db, MongoClient, type MongoClientOptions } from "mongodb";

const BATCH = 100;

interface Filters {
	query?: object;
	fields?: readonly string[] | undefined;
}

/** A query that may have `$nor`, with one field per clause. */
type Query = { $nor?: Record<string, unknown>[] };

/**
 * Adapter of moleculer-db for a MongoDB server that reads only the requested fields. It replaces the methods of the
 * adapter that use what the driver has removed since version 3.7: events of `Db`, `ops`, `value` and `ObjectID`.
 */
export class ServerAdapter extends MongoAdapter {
	// Members that the adapter's types leave out.
	declare readonly uri: string;
	declare readonly opts: MongoClientOptions;
	declare readonly dbName: string;
	declare readonly service: { schema: { collection: string } };
	declare client: MongoClient | undefined;
	declare db: Db;

	override async connect(): Promise<void> {
		this.client = new MongoClient(this.uri, this.opts);
		await this.client.connect();
		this.db = this.client.db(this.dbName);
		this.collection = this.db.collection(this.service.schema.collection);
	}

	override async disconnect(): Promise<void> {
		await this.client?.close();
	}

	override async insert(document: object): Promise<never> {
		await this.collection.insertOne(document);
		return document as never;
	}

	override async insertMany(documents: object): Promise<never> {
		await this.collection.insertMany(documents as object[]);
		return documents as never;
	}

	override updateById(_id: string, update: object): Promise<never> {
		return this.collection.findOneAndUpdate(withId(_id), update, {
			returnDocument: "after",
		}) as Promise<never>;
	}

	override removeById(_id: string): Promise<object | null> {
		return this.collection.findOneAndDelete(withId(_id));
	}

	/** Returns the id unchanged: the service's ids are strings also where they look like an ObjectId. */
	stringToObjectID(id: string): string {
		return id;
	}

	/** Returns the adapter of another collection in the same database, over the same connections. */
	secondary(name: string): ServerAdapter {
		return Object.assign(Object.create(this), { collection: this.db.collection(name) });
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

/** The driver's types know only ids that it creates itself. */
function withId(_id: string): object {
	return { _id };
}

function cursorOf(adapter: MongoAdapter, { fields, ...filters }: Filters) {
	const cursor = adapter.createCursor(filters);
	return fields ? cursor.project(Object.fromEntries(["_id", ...fields].map((field) => [field, 1]))) : cursor;
}
