import type pg from "pg";
import { eventId, isEventRef } from "../../events/envelope.ts";
import { acceptProducts } from "./accept-products.ts";
import { inDatabase } from "./in-database.ts";
import type { Sources } from "./snapshot.ts";
import { acceptStores } from "./stores.ts";
import { acknowledgedUpTo, type Message, messages } from "./stream.ts";

const ROWS_AT_ONCE = 5000;

/**
 * Lets a shop continue after some of its data was restored from an older backup or lost. Records that other stores
 * still refer to are marked as lost, and their ids and numbers are never reused. Safe while the shop runs; services
 * pick up the change within seconds.
 *
 * @param isRunning Whether the services are running.
 * @returns Whether data was lost.
 */
export async function acceptRestore(
	sources: Sources,
	isRunning: boolean,
	log: (line: string) => void,
): Promise<boolean> {
	const lost = [
		await acceptStores(sources, log),
		await inDatabase("users", (client) => acceptUsers(client, sources, log)),
		await inDatabase("orders", (client) => acceptOrders(client, sources, log)),
		await acceptProducts(sources, isRunning, log),
	];
	const isAnythingLost = lost.includes(true);
	if (!isAnythingLost) {
		log("no data are missing: nothing to accept");
	}
	return isAnythingLost;
}

async function acceptUsers(
	client: pg.Client,
	sources: Sources,
	log: (line: string) => void,
): Promise<boolean> {
	const { aggregates: events } = await acceptEvents(client, sources, "user");
	const buyers = await sources.snapshot("orders", (query) =>
		query<{ id: number }>(
			"SELECT DISTINCT user_id AS id FROM orders UNION SELECT user_id FROM deleted_users",
		),
	);
	const { rowCount: unknown } = await client.query(
		`INSERT INTO event_sequences (aggregate, sequence)
		SELECT 'user:' || id, 0 FROM unnest($1::integer[]) AS known (id)
		WHERE NOT EXISTS (SELECT FROM users u WHERE u.id = known.id)
		ON CONFLICT DO NOTHING`,
		[buyers.map(({ id }) => id)],
	);
	if (events === 0 && unknown === 0) {
		return false;
	}
	const { rows } = await client.query<{ last: string }>(
		`SELECT setval('user_ids', greatest(nextval('user_ids'), max(substr(aggregate, 6)::bigint))) AS last
		FROM event_sequences WHERE aggregate ~ '^user:[0-9]{1,10}$'`,
	);
	// The lost data may include revoked sessions and changed passwords.
	const { rowCount: sessions } = await client.query("DELETE FROM refresh_tokens");
	log(
		`users: ${events} users have lost events, ${unknown} more are known from orders; the next id is above ${rows[0]?.last}; ${sessions} refresh tokens were deleted, so users must log in again`,
	);
	const deleted = await sources.snapshot("orders", (query) =>
		query<{ user_id: number }>("SELECT user_id FROM deleted_users"),
	);
	const { rows: restored } = await client.query<{ id: number }>(
		"SELECT id FROM users WHERE id = ANY ($1) AND deleted_at IS NULL ORDER BY id",
		[deleted.map(({ user_id }) => user_id)],
	);
	for (const { id } of restored) {
		log(`users: user ${id} was deleted in the lost data: delete the account again`);
	}
	return true;
}

async function acceptOrders(
	client: pg.Client,
	sources: Sources,
	log: (line: string) => void,
): Promise<boolean> {
	const { aggregates: events, number } = await acceptEvents(client, sources, "order");
	const sold: string[] = [];
	for await (const { last_sold, pages = [] } of sources.products()) {
		sold.push(...[{ last_sold }, ...pages].flatMap((place) => place.last_sold?.reservation_id ?? []));
	}
	const { rowCount: sales } = await client.query(
		"INSERT INTO reservations (id) SELECT unnest($1::uuid[]) ON CONFLICT DO NOTHING",
		[sold],
	);
	if (events === 0 && sales === 0) {
		return false;
	}
	// A sent message has the number of its order only in the subject.
	const [known] = await sources.snapshot("notifications", (query) =>
		query<{ number: string | null }>(
			`SELECT max(greatest(
				substring(subject FROM 'TK-([0-9]{6,12})')::bigint,
				substring(data->'data'->>'number' FROM '^TK-([0-9]{6,12})$')::bigint
			)) AS number FROM notifications`,
		),
	);
	const { rows } = await client.query<{ last: string }>(
		"SELECT setval('order_numbers', greatest(nextval('order_numbers') + $1::bigint, $2::bigint)) AS last",
		[events, Math.max(Number(known?.number ?? 0), number)],
	);
	log(
		`orders: ${events} orders have lost events, ${sales} more sales are known from products; the next number is above ${rows[0]?.last}`,
	);
	log("orders: payments for lost orders are recorded only at the provider; npm run audit lists lost units");
	return true;
}

/**
 * Raises the event sequences of a database to the highest ones found in the stream and in the inbox of notifications.
 * Returns the number of aggregates raised and the highest order number in the stream.
 */
async function acceptEvents(
	client: pg.Client,
	sources: Sources,
	of: "user" | "order",
): Promise<{ aggregates: number; number: number }> {
	const raised = new Set<string>();
	let number = 0;
	const manager = await sources.nats.jetstreamManager();
	const acknowledged = await acknowledgedUpTo(manager, "notifications");
	for await (const page of messages(sources, manager)) {
		const events = page.filter((message) => isEventOf(of, message));
		for (const { data } of events) {
			const [, digits = "0"] = /^TK-(\d{6,12})$/.exec(data.number ?? "") ?? [];
			number = Math.max(number, Number(digits));
		}
		const lost = await raise(client, events as EventRef[], raised);
		const passed = events.filter(
			({ position, aggregate }) => position <= acknowledged && lost.has(aggregate as string),
		);
		await passInbox(passed as EventRef[]);
	}
	for (let after = ""; ; ) {
		const processed = await sources.snapshot("notifications", (query) =>
			query<EventRef>(
				`SELECT aggregate, sequence FROM inbox
				WHERE starts_with(aggregate, $1) AND aggregate COLLATE "C" > $2 ORDER BY aggregate COLLATE "C" LIMIT $3`,
				[`${of}:`, after, ROWS_AT_ONCE],
			),
		);
		const last = processed.at(-1);
		if (!last) {
			return { aggregates: raised.size, number };
		}
		await raise(client, processed, raised);
		after = last.aggregate;
	}
}

interface EventRef {
	aggregate: string;
	sequence: number;
}

/** Tells whether a message came from the outbox of users or orders. */
function isEventOf(of: "user" | "order", { id, aggregate, sequence }: Message): boolean {
	return (
		String(aggregate).startsWith(`${of}:`) &&
		isEventRef(aggregate, sequence) &&
		id === eventId(aggregate as string, sequence as number)
	);
}

/**
 * Advances the inbox of notifications past acknowledged events, which are not redelivered. An inbox that was restored
 * too would otherwise hold back all later events of the aggregate.
 */
async function passInbox(events: EventRef[]): Promise<void> {
	if (events.length > 0) {
		await inDatabase("notifications", (client) =>
			client.query(
				`INSERT INTO inbox AS i (aggregate, sequence)
				SELECT aggregate, max(sequence) FROM unnest($1::text[], $2::integer[]) AS passed (aggregate, sequence)
				GROUP BY aggregate
				ON CONFLICT (aggregate) DO UPDATE SET sequence = excluded.sequence WHERE i.sequence < excluded.sequence`,
				[events.map(({ aggregate }) => aggregate), events.map(({ sequence }) => sequence)],
			),
		);
	}
}

/** Raises the sequences of aggregates and returns the aggregates that had fewer events. */
async function raise(client: pg.Client, events: EventRef[], raised: Set<string>): Promise<Set<string>> {
	const { rows } = await client.query<{ aggregate: string }>(
		`INSERT INTO event_sequences AS s (aggregate, sequence, lost)
		SELECT aggregate, max(sequence), max(sequence) FROM unnest($1::text[], $2::integer[]) AS known (aggregate, sequence)
		GROUP BY aggregate
		ON CONFLICT (aggregate) DO UPDATE
			SET lost = s.lost + excluded.sequence - s.sequence, sequence = excluded.sequence
			WHERE s.sequence < excluded.sequence
		RETURNING aggregate`,
		[events.map(({ aggregate }) => aggregate), events.map(({ sequence }) => sequence)],
	);
	for (const { aggregate } of rows) {
		raised.add(aggregate);
	}
	return new Set(rows.map(({ aggregate }) => aggregate));
}
