import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { MongoClient } from "mongodb";
import { connect, type NatsConnection } from "nats";
import type pg from "pg";
import { databaseUrl, settings } from "../../config/settings.ts";
import { databases, outboxes } from "../../contracts/services.ts";
import type { Snapshot } from "../../database/audit.ts";
import { recordAudit } from "../../database/audit-record.ts";
import { postgresPool } from "../../database/postgres-client.ts";
import { streamConfig } from "../../events/envelope.ts";
import { unlessMissing } from "../../events/stream.ts";
import { natsConnection } from "../../moleculer.config.ts";
import {
	type GroupDocument,
	type HoldPage,
	PRODUCT_GROUPS,
	type ProductDocument,
} from "../../services/products/documents.ts";
import { listedPages } from "./hold-pages.ts";
import {
	followInFile,
	groupsInFile,
	metadataOfFile,
	productsInFile,
	variantsInFile,
} from "./product-file.ts";
import type { Sources, Stock, VariantRow } from "./snapshot.ts";
import { FIELDS, VARIANT_FIELDS } from "./snapshot.ts";

interface MetadataEntry {
	_id: string;
	value: unknown;
}

/** Maximum number of reads of a product to find all pages that it lists. */
const PAGE_READS = 3;

/** Share of the time in which a gentle audit reads, and the pause after which it counts again. */
const GENTLE_SHARE = 0.25;
const WORK_MS = 50;
const REST_MAX_MS = 10_000;

/** Waits, after some time of work, for a multiple of it. */
type Rest = (worked_ms: number) => Promise<void>;

/**
 * Opens the databases named in the environment; without `MONGO_URL`, the products' file.
 *
 * @param isGentle Whether to read slowly, so that the shop does not notice.
 */
export async function openSources(isGentle = false): Promise<Sources> {
	const rest = isGentle ? resting() : async () => undefined;
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
	const snapshot: Sources["snapshot"] = (database, work) =>
		inSnapshot(pools.get(database) as pg.Pool, work, rest);
	return {
		products: () => (mongo ? slowed(fromMongo(mongo), rest) : productsInFile(file)),
		variants: () => (mongo ? slowed(variantsInMongo(mongo), rest) : variantsInFile(file)),
		groups: () => (mongo ? groupsInMongo(mongo) : groupsInFile(file)),
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
		async record(duration_seconds, breaches) {
			const orders = pools.get("orders") as pg.Pool;
			await recordAudit(orders, { duration_seconds, breaches }).catch((error) => {
				// Orders has not run since the update that brings the table.
				if (error.code !== "42P01") {
					throw error;
				}
			});
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

async function* variantsInMongo(mongo: MongoClient): AsyncGenerator<VariantRow> {
	const projection = Object.fromEntries(["removed_at", ...VARIANT_FIELDS].map((field) => [field, 1]));
	const products = mongo.db(`${settings.namespace}_products`).collection<ProductDocument>("products");
	// Any type but null, since a document may have been edited by hand.
	for await (const product of products.find({ group_id: { $ne: null } }, { projection })) {
		if (product.removed_at === null) {
			yield product;
		}
	}
}

function groupsInMongo(mongo: MongoClient): Promise<GroupDocument[]> {
	return mongo
		.db(`${settings.namespace}_products`)
		.collection<GroupDocument>(PRODUCT_GROUPS)
		.find({})
		.toArray();
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

function resting(): Rest {
	let worked = 0;
	return async (worked_ms) => {
		worked += worked_ms;
		if (worked >= WORK_MS) {
			const rest_ms = Math.min(REST_MAX_MS, worked * (1 / GENTLE_SHARE - 1));
			worked = 0;
			await wait(rest_ms);
		}
	};
}

async function* slowed<T>(items: AsyncIterable<T>, rest: Rest): AsyncGenerator<T> {
	let begun = performance.now();
	for await (const item of items) {
		yield item;
		await rest(performance.now() - begun);
		begun = performance.now();
	}
}

async function inSnapshot<T>(pool: pg.Pool, work: (query: Snapshot) => Promise<T>, rest: Rest): Promise<T> {
	const client = await pool.connect();
	let broken: Error | undefined;
	try {
		await client.query("BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY");
		return await work(async (sql, values) => {
			const begun = performance.now();
			const { rows } = await client.query(sql, values);
			await rest(performance.now() - begun);
			return rows as never;
		});
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
