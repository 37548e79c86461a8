import { randomInt } from "node:crypto";
import { afterAll, afterEach, beforeAll, expect, test } from "@jest/globals";
import type { ServiceBroker } from "moleculer";
import pg from "pg";
import { databaseUrl } from "../../config/settings.ts";
import { LEASE_LOCK, Orphans } from "../../services/notifications/queue.ts";
import { startNode } from "./shop.ts";

let shop: ServiceBroker;
const database = new pg.Client(databaseUrl("notifications"));
const session = database as unknown as Parameters<Orphans["free"]>[0];

beforeAll(async () => {
	// Creates the tables. Its own handling of these rows would take six seconds.
	shop = await startNode("notifications");
	await database.connect();
});

afterEach(async () => {
	await database.query("DELETE FROM notifications");
	await database.query("SELECT pg_advisory_unlock_all()");
});

afterAll(async () => {
	await database.end();
	await shop.stop();
});

/** Adds three leased messages that are not due today. Returns the lease. */
async function leased(): Promise<number> {
	const lease = randomInt(2 ** 31);
	await database.query(
		`INSERT INTO notifications (event_id, user_id, type, channel, aggregate, history, data, send_at, leased_by, leased_at)
		SELECT gen_random_uuid(), 1, 'order_paid', 'email', 'user:1', '[]', '{}', now() + interval '1 day', $1, now()
		FROM generate_series(1, 3)`,
		[lease],
	);
	return lease;
}

/** Polls at these times. Returns the number of messages released at each. */
async function freed(orphans: Orphans, clock: { now: number }, lease: number, moments: number[]) {
	const counts: number[] = [];
	for (const moment of moments) {
		clock.now = moment;
		counts.push(await orphans.free(session, [lease]));
	}
	return counts;
}

function watch() {
	const clock = { now: 0 };
	return { clock, orphans: new Orphans(() => clock.now) };
}

const lock = (lease: number) => database.query("SELECT pg_advisory_lock_shared($1, $2)", [LEASE_LOCK, lease]);

test("a lease is freed once it was without a lock for longer than its sender counts on it", async () => {
	const { clock, orphans } = watch();
	expect(await freed(orphans, clock, await leased(), [0, 2000, 4000, 6000, 8000])).toEqual([0, 0, 0, 0, 3]);
});

test("one that has its lock is not, nor one that has got it again", async () => {
	const { clock, orphans } = watch();
	const lease = await leased();
	expect(await freed(orphans, clock, lease, [0, 4000])).toEqual([0, 0]);
	await lock(lease);
	expect(await freed(orphans, clock, lease, [8000, 12_000])).toEqual([0, 0]);
	await database.query("SELECT pg_advisory_unlock_all()");
	expect(await freed(orphans, clock, lease, [16_000, 20_000, 24_000])).toEqual([0, 0, 3]);
});

test("one that is locked between a look and its end is not", async () => {
	const { clock, orphans } = watch();
	const lease = await leased();
	await freed(orphans, clock, lease, [0, 4000]);
	clock.now = 8000;
	const late: typeof session = {
		query: async (...given: unknown[]) => {
			if (String(given[0]).includes("UPDATE")) {
				await lock(lease);
			}
			return (session.query as (...given: unknown[]) => Promise<pg.QueryResult>).apply(session, given);
		},
	} as never;
	expect(await orphans.free(late, [lease])).toBe(0);
});

test("looks begin anew after a gap, and after the database was away", async () => {
	const { clock, orphans } = watch();
	const lease = await leased();
	expect(await freed(orphans, clock, lease, [0, 20_000, 24_000])).toEqual([0, 0, 0]);
	orphans.reset();
	expect(await freed(orphans, clock, lease, [28_000, 34_000, 36_000])).toEqual([0, 0, 3]);
});
