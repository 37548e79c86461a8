import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { type Database, databases } from "../../contracts/services.ts";
import { type Audit, audit } from "../audit/audit.ts";
import type { Sources } from "../audit/snapshot.ts";
import { SeededRandom } from "../seeded-random.ts";
import { type Attempt, Buyer, type Shop } from "./buyer.ts";
import { Client, Observations } from "./client.ts";
import { Cluster, type Store } from "./cluster.ts";
import { Faults } from "./faults.ts";
import { type Offers, openOffers } from "./offers.ts";
import { openSourcesOf, type Stage, withCluster } from "./stage.ts";

export interface Options extends Stage {
	minutes: number;
	seed: number;
	store: Store;
}

/** Result of a run. */
export interface Report {
	options: Pick<Options, "minutes" | "seed" | "store">;
	faults: Map<string, number>;
	own_exits: number;
	responses: Map<string, number>;
	/** Number of orders by their final state. */
	orders: Map<string, number>;
	accepted: number;
	/** Milliseconds from the last fault until every order was in a final state and all its jobs were done. */
	settled_ms: number;
	audit: Audit;
	/** Violated guarantees; empty after a successful run. */
	violations: string[];
}

const BUYERS = 8;
const ORDER_TTL_MINUTES = "0.15";
const ADMIN = { email: "keeper@toko.test", password: "rahasia-sekali" };
/** Shortest and longest pause between two faults in a long run; a short run has shorter pauses. */
const PAUSE_MS: [number, number] = [1000, 5000];
const SHORT_PAUSE_MS: [number, number] = [500, 2000];
/** Time limit for every accepted order to reach a final state. */
const SETTLE_MS = 120_000;
const PROGRESS_MS = 15_000;

/**
 * Runs a cluster of real processes under the load of buyers while its processes are killed, frozen and lose power. Then
 * waits until it has settled and checks every guarantee.
 */
export async function runChaos(options: Options): Promise<Report> {
	const { store, log } = options;
	const folder = mkdtempSync(join(tmpdir(), "toko-chaos-"));
	const cluster = new Cluster(folder, store, {
		ORDER_TTL_MINUTES,
		ADMIN_EMAIL: ADMIN.email,
		ADMIN_PASSWORD: ADMIN.password,
		TAX_RATE: "11",
		PRICES_INCLUDE_TAX: "false",
	});
	return withCluster(cluster, options, async () => {
		log(`starting a cluster on ${store} in ${folder}`);
		await cluster.start();
		return breakAndCheck(cluster, options);
	});
}

async function breakAndCheck(cluster: Cluster, { minutes, seed, store, log }: Options): Promise<Report> {
	const random = new SeededRandom(seed);
	const observations = new Observations();
	const client = () => new Client(cluster.addresses, observations, random.branch());
	const shop: Shop = {
		...(await openShop(client())),
		admin: ADMIN,
		webhook_secret: cluster.environment.PAYMENT_WEBHOOK_SECRET as string,
		name: `chaos-${seed}`,
	};
	const clients = Array.from({ length: BUYERS }, client);
	const buyers = clients.map(
		(client, number) => new Buyer(`buyer-${number}`, shop, client, random.branch(), observations),
	);
	const faults = new Faults(cluster, random.branch());
	const accepted = () => buyers.flatMap(({ attempts }) => attempts.filter(isAccepted)).length;

	const started_at = Date.now();
	const elapsed = () => `${Math.round((Date.now() - started_at) / 1000)} s`;
	const progress = setInterval(() => log(`${elapsed()}: ${accepted()} orders accepted`), PROGRESS_MS);
	const buying = Promise.all(buyers.map((buyer) => buyer.run()));
	const breaking = faults.run(minutes < 2 ? SHORT_PAUSE_MS : PAUSE_MS, (line) =>
		log(`${elapsed()}: ${line}`),
	);
	await wait(minutes * 60_000);

	faults.stop();
	await breaking;
	// A short run on a busy machine may have accepted none so far.
	for (const deadline = Date.now() + SETTLE_MS; accepted() === 0 && Date.now() < deadline; ) {
		await wait(250);
	}
	log(`${elapsed()}: no more faults; buyers finish their requests`);
	for (const buyer of buyers) {
		buyer.stop();
	}
	for (const client of clients) {
		client.gives_up_at = Date.now() + SETTLE_MS;
	}
	await buying;
	clearInterval(progress);
	await cluster.ready();

	const sources = await openSourcesOf(cluster, log);
	try {
		const settled_ms = await settle(sources);
		const attempts = buyers.flatMap((buyer) => buyer.attempts);
		return {
			options: { minutes, seed, store },
			faults: faults.done,
			own_exits: cluster.own_exits,
			responses: observations.responses,
			orders: await ordersByStatus(sources),
			accepted: accepted(),
			settled_ms,
			audit: await audit(sources, SETTLE_MS),
			violations: [
				...observations.violations,
				...(settled_ms > SETTLE_MS ? [`not settled within ${SETTLE_MS} ms`] : []),
				...(await compareBooks(sources, attempts)),
				...(await compareDeliveries(sources, buyers)),
			],
		};
	} finally {
		await sources.close();
	}
}

async function openShop(client: Client): Promise<Offers> {
	const login = await client.send("POST", "/users/login", { body: ADMIN });
	return openOffers(client, login?.body.access_token);
}

function isAccepted({ outcome }: Attempt): boolean {
	return outcome === "accepted";
}

/** Unfinished work in each database, apart from jobs. */
const WAITING: { [D in Database]?: string } = {
	orders: "SELECT count(*)::integer AS rows FROM orders WHERE status = 'pending'",
	notifications: "SELECT count(*)::integer AS rows FROM notifications WHERE status = 'queued'",
};

/** Waits until no order is pending and no work is left. Returns the milliseconds. */
async function settle(sources: Sources): Promise<number> {
	const started_at = Date.now();
	const isAtRest = (database: Database) =>
		sources.snapshot(database, async (query) => {
			const [jobs] = await query<{ due: number }>(
				"SELECT count(*)::integer AS due FROM graphile_worker.jobs WHERE key IS NOT NULL",
			);
			const [waiting] = await query<{ rows: number }>(WAITING[database] ?? "SELECT 0 AS rows");
			return jobs?.due === 0 && waiting?.rows === 0;
		});
	const isSettled = async () => {
		// In the order in which work is passed on: users and orders publish events, which become messages.
		for (const database of databases.filter((name) => name !== "notifications")) {
			if (!(await isAtRest(database))) {
				return false;
			}
		}
		return (await sources.eventsInProgress()) === 0 && isAtRest("notifications");
	};
	while (!(await isSettled().catch(() => false)) && Date.now() - started_at <= SETTLE_MS) {
		await wait(250);
	}
	return Date.now() - started_at;
}

async function ordersByStatus(sources: Sources): Promise<Map<string, number>> {
	const rows = await sources.snapshot("orders", (query) =>
		query<{ status: string; orders: number }>(
			"SELECT status, count(*)::integer AS orders FROM orders GROUP BY status ORDER BY status",
		),
	);
	return new Map(rows.map(({ status, orders }) => [status, orders]));
}

/** Compares the buyers' records with the orders: no accepted order is lost, and none exists that no buyer requested. */
async function compareBooks(sources: Sources, attempts: Attempt[]): Promise<string[]> {
	const rows = await sources.snapshot("orders", (query) =>
		query<{ id: string; number: string; keys: string[] }>(
			`SELECT o.id, o.number, array_remove(array_agg(k.key), NULL) AS keys
			FROM orders o LEFT JOIN idempotency_keys k ON k.answer->'order'->>'id' = o.id::text GROUP BY o.id`,
		),
	);
	const existing = new Set(rows.map(({ id }) => id));
	const byKey = new Map(attempts.map((attempt) => [attempt.key, attempt]));
	return [
		...attempts
			.filter(isAccepted)
			.flatMap(({ key, orders }) =>
				[...orders]
					.filter((id) => !existing.has(id))
					.map((id) => `order ${id} of key ${key} was accepted, but is lost`),
			),
		...rows.flatMap(({ number, keys }) =>
			keys.length === 1 ? [] : [`order ${number} belongs to ${keys.length} keys`],
		),
		...rows.flatMap(({ number, keys }) =>
			keys
				.filter((key) => byKey.get(key)?.outcome === "refused")
				.map((key) => `order ${number} exists although key ${key} was refused`),
		),
	];
}

/** Checks that each delivery was applied once, however often it was sent. */
async function compareDeliveries(sources: Sources, buyers: Buyer[]): Promise<string[]> {
	const sum = (outcome: "accepted" | "unknown") =>
		buyers.reduce((units, { delivered }) => units + delivered[outcome], 0);
	let booked = 0;
	for await (const { ledger = {}, ledger_sums = {} } of sources.products()) {
		const entries = Object.values(ledger).filter(({ reason }) => reason === "admin");
		booked += entries.reduce((units, { quantity }) => units + quantity, ledger_sums.admin ?? 0);
	}
	const [accepted, unknown] = [sum("accepted"), sum("unknown")];
	return booked >= accepted && booked <= accepted + unknown
		? []
		: [
				`${booked} units were recorded for accepted deliveries of ${accepted} units and deliveries of ${unknown} units with an unknown outcome`,
			];
}
