import { join } from "node:path";
import { MongoClient } from "mongodb";
import { connect, type NatsConnection } from "nats";
import type pg from "pg";
import { databaseUrl, settings } from "../../config/settings.ts";
import { databases, outboxes } from "../../contracts/services.ts";
import type { Snapshot } from "../../database/audit.ts";
import { postgresPool } from "../../database/postgres-client.ts";
import { streamConfig } from "../../events/envelope.ts";
import { unlessMissing } from "../../events/stream.ts";
import { natsConnection } from "../../moleculer.config.ts";
import type { HoldPage } from "../../services/products/documents.ts";
import { listedPages } from "./hold-pages.ts";
import { followInFile, metadataOfFile, productsInFile } from "./product-file.ts";
import type { Sources, Stock } from "./snapshot.ts";
import { FIELDS } from "./snapshot.ts";

interface MetadataEntry {
	_id: string;
	value: unknown;
}

/** Maximum number of reads of a product to find all pages that it lists. */
const PAGE_READS = 3;

/** Opens the databases named in the environment; without `MONGO_URL`, the products' file. */
export async function openSources(): Promise<Sources> {
	const pools = new Map(
		databases.map((name) => [
			name,
			postgresPool({
				connectionString: databaseUrl(name),
				max: 1,
				application_name: "toko audit",
				// Some checks read a whole table.
				query_timeout: 0,
				// A snapshot holds no locks, and is idle while other databases are read.
				session: { idle_in_transaction_session_timeout: "0", transaction_timeout: "0" },
			}),
		]),
	);
	for (const pool of pools.values()) {
		// Losing an idle connection is not fatal: the next query reports it.
		pool.on("error", () => undefined);
	}
	const file = join(settings.directory, "products.db");
	const mongo = settings.mongoUrl ? await openMongo(settings.mongoUrl) : undefined;
	const nats = await connect(natsConnection(settings.natsUrl));
	const snapshot: Sources["snapshot"] = (database, work) => inSnapshot(pools.get(database) as pg.Pool, work);
	return {
		products: () => (mongo ? fromMongo(mongo) : productsInFile(file)),
		following: (ids) => (mongo ? followInMongo(mongo, ids) : followInFile(file, ids)),
		productFile: mongo ? undefined : file,
		productMetadata: () => (mongo ? metadataInMongo(mongo) : metadataOfFile(file)),
		snapshot,
		consumer: () => consumer(nats),
		async eventsInProgress() {
			let pending = 0;
			for (const database of Object.values(outboxes)) {
				pending += (await snapshot(database, waitingEvents)).length;
			}
			return pending + (await consumer(nats)).unread;
		},
		nats,
		async close() {
			await Promise.all([...pools.values()].map((pool) => pool.end()));
			await mongo?.close();
			await nats.close();
		},
	};
}

function openMongo(url: string): Promise<MongoClient> {
	return MongoClient.connect(url, { serverSelectionTimeoutMS: 5000 });
}

async function* fromMongo(mongo: MongoClient, query = {}): AsyncGenerator<Stock> {
	const database = mongo.db(`${settings.namespace}_products`);
	const projection = Object.fromEntries(FIELDS.map((field) => [field, 1]));
	const products = (wanted: object) => database.collection<Stock>("products").find(wanted, { projection });
	for await (let product of products(query)) {
		for (let read = 1; ; read++) {
			const ids = listedPages(product);
			const pages = database.collection<HoldPage>("hold_pages");
			product.pages = ids.length > 0 ? await pages.find({ _id: { $in: ids } }).toArray() : [];
			if (product.pages.length === ids.length || read === PAGE_READS) {
				break;
			}
			// An empty page is deleted once its product no longer lists it.
			product = (await products({ _id: product._id }).toArray())[0] ?? product;
		}
		yield product;
	}
}

async function* followInMongo(
	mongo: MongoClient,
	ids: ReadonlySet<string>,
): AsyncGenerator<Map<string, Stock>, void> {
	for (;;) {
		const found = new Map<string, Stock>();
		for await (const product of fromMongo(mongo, { _id: { $in: [...ids] } })) {
			found.set(product._id, product);
		}
		yield found;
	}
}

async function metadataInMongo(mongo: MongoClient): Promise<Record<string, unknown>> {
	const metadata: Record<string, unknown> = {};
	const stored = mongo.db(`${settings.namespace}_products`).collection<MetadataEntry>("settings").find({});
	for await (const { _id, value } of stored) {
		metadata[_id] = value;
	}
	return metadata;
}

async function inSnapshot<T>(pool: pg.Pool, work: (query: Snapshot) => Promise<T>): Promise<T> {
	const client = await pool.connect();
	let broken: Error | undefined;
	try {
		await client.query("BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY");
		return await work(async (sql, values) => (await client.query(sql, values)).rows as never);
	} catch (error) {
		broken = error as Error;
		throw error;
	} finally {
		await client.query("ROLLBACK").catch(() => undefined);
		client.release(broken);
	}
}

function waitingEvents(query: Snapshot) {
	return query("SELECT 1 FROM outbox WHERE published_at IS NULL AND refusal IS NULL");
}

async function consumer(nats: NatsConnection): Promise<{ confirmed: number; unread: number }> {
	const manager = await nats.jetstreamManager();
	const info = await unlessMissing(manager.consumers.info(streamConfig().name, "notifications"));
	return {
		confirmed: info?.ack_floor.stream_seq ?? 0,
		unread: info ? info.num_pending + info.num_ack_pending : 0,
	};
}
