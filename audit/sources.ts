import { once } from "node:events";
import { createReadStream, existsSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { connect, type NatsConnection } from "nats";
import type pg from "pg";
import { postgresPool } from "../mixins/postgres-client.ts";
import { databaseUrl, settings } from "../mixins/settings.ts";
import { natsConnection } from "../moleculer.config.ts";
import type { ProductDocument } from "../services/products/model.ts";

/** The driver's own major version has no types. */
const { MongoClient } = createRequire(import.meta.url)("mongodb") as {
	MongoClient: { connect(url: string, options: object): Promise<Mongo> };
};

interface Mongo {
	db(name: string): {
		collection(name: string): { find(query: object, options: object): AsyncIterable<Stock> };
	};
	close(): Promise<void>;
}

/** What the audit needs to know of a product. */
export type Stock = Pick<ProductDocument, "_id" | "name" | "stock" | "supplied" | "holds" | "last_sold">;

/** One look at a database: all queries of it see the same moment. */
export type Snapshot = <R extends pg.QueryResultRow>(sql: string, values?: unknown[]) => Promise<R[]>;

/** Everything that the shop keeps, for reading. */
export interface Sources {
	products(): Promise<Map<string, Stock>>;
	snapshot<T>(
		database: "users" | "orders" | "notifications",
		look: (query: Snapshot) => Promise<T>,
	): Promise<T>;
	/** How many events the stream holds that notifications has not acknowledged. */
	unread(): Promise<number>;
	close(): Promise<void>;
}

/** Opens the databases that the environment names; the products' file where there is no `MONGO_URL`. */
export async function openSources(): Promise<Sources> {
	const pools = new Map(
		["users", "orders", "notifications"].map((name) => [
			name,
			postgresPool({
				connectionString: databaseUrl(name),
				max: 1,
				application_name: "toko audit",
				// It holds no locks, and reads elsewhere in the middle of a snapshot.
				session: { idle_in_transaction_session_timeout: "0", transaction_timeout: "0" },
			}),
		]),
	);
	for (const pool of pools.values()) {
		// An idle connection that is lost is no reason to end: the next query tells.
		pool.on("error", () => undefined);
	}
	const mongo = settings.mongoUrl ? await openMongo(settings.mongoUrl) : undefined;
	const nats = await connect(natsConnection(settings.natsUrl));
	return {
		products: () => (mongo ? fromMongo(mongo) : fromFile(join(settings.directory, "products.db"))),
		snapshot: (database, look) => inSnapshot(pools.get(database) as pg.Pool, look),
		unread: () => unread(nats),
		async close() {
			await Promise.all([...pools.values()].map((pool) => pool.end()));
			await mongo?.close();
			await nats.close();
		},
	};
}

function openMongo(url: string): Promise<Mongo> {
	return MongoClient.connect(url, { useUnifiedTopology: true, serverSelectionTimeoutMS: 5000 });
}

async function fromMongo(mongo: Mongo): Promise<Map<string, Stock>> {
	const found = mongo
		.db(`${settings.namespace}_products`)
		.collection("products")
		.find({}, { projection: { name: 1, stock: 1, supplied: 1, holds: 1, last_sold: 1 } });
	const products = new Map<string, Stock>();
	for await (const product of found) {
		products.set(product._id, product);
	}
	return products;
}

/** Reads NeDB's file without opening it, since it has one owner: a line for each change, the last one counts. */
async function fromFile(file: string): Promise<Map<string, Stock>> {
	const products = new Map<string, Stock>();
	if (!existsSync(file)) {
		return products;
	}
	const stream = createReadStream(file, "utf8");
	await once(stream, "open");
	for await (const line of createInterface({ input: stream })) {
		const change = parse(line);
		if (change?.$$deleted) {
			products.delete(change._id);
		} else if (change?._id) {
			const { _id, name, stock, supplied, holds, last_sold } = change;
			products.set(_id, { _id, name, stock, supplied, holds, ...(last_sold ? { last_sold } : {}) });
		}
	}
	return products;
}

/** The last line may be half written at this moment. */
function parse(line: string): (Stock & { $$deleted?: boolean }) | undefined {
	try {
		return JSON.parse(line);
	} catch {
		return undefined;
	}
}

async function inSnapshot<T>(pool: pg.Pool, look: (query: Snapshot) => Promise<T>): Promise<T> {
	const client = await pool.connect();
	let broken: Error | undefined;
	try {
		await client.query("BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY");
		return await look(async (sql, values) => (await client.query(sql, values)).rows as never);
	} catch (error) {
		broken = error as Error;
		throw error;
	} finally {
		await client.query("ROLLBACK").catch(() => undefined);
		client.release(broken);
	}
}

async function unread(nats: NatsConnection): Promise<number> {
	const manager = await nats.jetstreamManager();
	try {
		const { num_pending, num_ack_pending } = await manager.consumers.info(
			`${settings.namespace}_events`,
			"notifications",
		);
		return num_pending + num_ack_pending;
	} catch (error) {
		if (/(stream|consumer) not found/.test((error as Error).message)) {
			return 0;
		}
		throw error;
	}
}
