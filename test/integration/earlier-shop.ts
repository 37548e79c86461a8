import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { runMigrations } from "graphile-worker";
import { type ConsumerConfig, connect, type NatsConnection } from "nats";
import pg from "pg";
import { databaseUrl, settings } from "../../config/settings.ts";
import type { EventEnvelope } from "../../contracts/actions.ts";
import { channelOf, streamConfig } from "../../events/envelope.ts";
import { natsConnection } from "../../moleculer.config.ts";
import { setVariables } from "../variables.ts";

/** Data of a shop of the version before the event pipeline: see make.mjs there. */
const FIXTURE = new URL("../fixtures/shop-before-the-event-pipeline/", import.meta.url);
const ROOT = new URL("../../", import.meta.url);

export const DATABASES = ["users", "orders", "notifications"] as const;
export type Database = (typeof DATABASES)[number];

interface EarlierOrder {
	id: string;
	number: string;
	user_id: number;
	payment: { reference: string; amount: number };
	webhook: { id: string; type: string };
}

/** Responses of that shop to its customers. */
export interface EarlierShop {
	password: string;
	secrets: Record<string, string>;
	users: Record<string, { id: number; email: string }>;
	orders: Record<string, EarlierOrder>;
	/** Requests with an `Idempotency-Key`, and the order that each became. */
	keys: { key: string; request: { items: { product_id: string; quantity: number }[] }; order: string }[];
	/** Refresh tokens. */
	sessions: Record<string, string>;
	dumped_at: string;
}

type Row = Record<string, unknown>;

/**
 * Makes this test file's databases, products and stream those that a killed shop of the version before has left. All moments
 * are moved by the time since then, as if it had been killed just now: what was overdue is overdue, the rest is still to come.
 */
export async function restoreEarlierShop(): Promise<EarlierShop> {
	const shop = JSON.parse(await readFile(new URL("made.json", FIXTURE), "utf8")) as EarlierShop;
	// Whole seconds, so that digits behind the point stay as they are.
	const age_s = Math.floor((Date.now() - Date.parse(shop.dumped_at)) / 1000);
	const read = async (file: string) => postponed(await readFile(new URL(file, FIXTURE), "utf8"), age_s);
	setVariables(shop.secrets);
	for (const name of DATABASES) {
		await restoreDatabase(name, JSON.parse(await read(`${name}.json`)));
	}
	await writeFile(join(settings.directory, "products.db"), await read("products.db"));
	await restoreStream(JSON.parse(await read("stream.json")));
	return shop;
}

const MOMENT = /\b(20\d\d-\d\d-\d\d)([T ])(\d\d:\d\d:\d\d)((?:\.\d+)?(?:Z|\+00(?::00)?))/g;

function postponed(text: string, seconds: number): string {
	return text.replace(MOMENT, (_, day, separator, time, rest) => {
		const moved = new Date(Date.parse(`${day}T${time}Z`) + seconds * 1000).toISOString();
		return `${moved.slice(0, 10)}${separator}${moved.slice(11, 19)}${rest}`;
	});
}

/** The schema is what the version's own migrations made, which are still there; those behind them are for the services. */
async function restoreDatabase(
	name: Database,
	{ sequences, ...tables }: Record<string, Row[]> & { sequences: never },
): Promise<void> {
	const server = new pg.Client(settings.postgresUrl);
	await server.connect();
	await server.query(`CREATE DATABASE "${settings.namespace}_${name}"`);
	await server.end();
	await runMigrations({ connectionString: databaseUrl(name) });
	const client = new pg.Client(databaseUrl(name));
	await client.connect();
	await client.query("CREATE TABLE migrations (name text PRIMARY KEY, run_at timestamptz DEFAULT now())");
	for (const file of migrationsOf(name, tables.migrations as Row[])) {
		await client.query(await readFile(file, "utf8"));
	}
	const names = Object.keys(tables);
	// Rows come as they are: a trigger would add jobs for them.
	const setTriggers = (state: "DISABLE" | "ENABLE") =>
		client.query(names.map((table) => `ALTER TABLE ${table} ${state} TRIGGER USER;`).join(""));
	await client.query(`TRUNCATE ${names.join(", ")}`);
	await setTriggers("DISABLE");
	for (const table of await inOrderOfReferences(client, names)) {
		await insert(client, table, tables[table] as Row[]);
	}
	await setTriggers("ENABLE");
	for (const [sequence, value] of Object.entries(sequences)) {
		await client.query("SELECT setval($1, $2)", [sequence, value]);
	}
	await client.end();
}

/** In the order in which they were run. */
function migrationsOf(name: Database, rows: Row[]): URL[] {
	const ran = rows.toSorted((one, other) => String(one.run_at).localeCompare(String(other.run_at)));
	return ran.map((row) => {
		const own = new URL(`services/${name}/migrations/${row.name}`, ROOT);
		return existsSync(own) ? own : new URL(`events/tables/${row.name}`, ROOT);
	});
}

/** Tables behind those that their foreign keys name. */
async function inOrderOfReferences(client: pg.Client, tables: string[]): Promise<string[]> {
	const { rows } = await client.query<{ table: string; references: string }>(
		`SELECT conrelid::regclass::text AS table, confrelid::regclass::text AS references FROM pg_constraint
		WHERE contype = 'f' AND conrelid <> confrelid`,
	);
	const ordered = new Set<string>();
	const add = (table: string) => {
		for (const reference of rows.filter((row) => row.table === table)) {
			add(reference.references);
		}
		ordered.add(table);
	};
	tables.forEach(add);
	return [...ordered].filter((table) => tables.includes(table));
}

async function insert(client: pg.Client, table: string, rows: Row[]): Promise<void> {
	const { rows: found } = await client.query(
		`SELECT string_agg(quote_ident(attname), ', ') AS columns FROM pg_attribute
		WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = ''`,
		[table],
	);
	const { columns } = found[0];
	await client.query(
		`INSERT INTO ${table} (${columns}) OVERRIDING SYSTEM VALUE
		SELECT ${columns} FROM json_populate_recordset(NULL::${table}, $1)`,
		[JSON.stringify(rows)],
	);
}

interface Stream {
	consumer: ConsumerConfig & {
		deliver_group: string;
		deliver_subject: string;
		filter_subject: string;
		acknowledged: number;
	};
	messages: { name: EventEnvelope["name"]; message_id: string; event: EventEnvelope }[];
}

/**
 * The stream with all its messages, and the consumer of notifications, which has acknowledged only the first of them. Of a
 * stream that is gone the version before could send nothing again: what was unread in it is lost, and the audit says so.
 */
async function restoreStream({ consumer, messages }: Stream): Promise<void> {
	const nats = await connect(natsConnection(settings.natsUrl));
	const manager = await nats.jetstreamManager();
	const { name } = await manager.streams.add(streamConfig()).then(({ config }) => config);
	for (const { name, message_id, event } of messages) {
		const subject = `${settings.namespace}.${channelOf(name)}`;
		await nats.jetstream().publish(subject, JSON.stringify(event), { msgID: message_id });
	}
	const { acknowledged, ...given } = consumer;
	const inNamespace = (subject: string) => subject.replace(/^toko(?=[._])/, settings.namespace);
	const { config } = await manager.consumers.add(name, {
		...given,
		deliver_group: inNamespace(given.deliver_group),
		deliver_subject: inNamespace(given.deliver_subject),
		filter_subject: inNamespace(given.filter_subject),
	});
	await acknowledge(nats, config, acknowledged);
	await nats.close();
}

/** Acknowledges the first messages that a consumer hands out. */
async function acknowledge(
	nats: NatsConnection,
	{ deliver_subject, deliver_group }: ConsumerConfig,
	messages: number,
): Promise<void> {
	let acknowledged = 0;
	const queue = deliver_group as string;
	for await (const { reply } of nats.subscribe(deliver_subject as string, { queue })) {
		await nats.request(reply as string, "+ACK");
		if (++acknowledged === messages) {
			break;
		}
	}
}
