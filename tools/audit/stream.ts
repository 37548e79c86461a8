import type { JetStreamManager, JsMsg } from "nats";
import { kindOf } from "../../contracts/contract.ts";
import { outboxes } from "../../contracts/services.ts";
import { asUuid } from "../../database/audit.ts";
import { eventId, isEventRef, readEvent, streamConfig } from "../../events/envelope.ts";
import { unlessMissing } from "../../events/stream.ts";
import { LINES, linesIn } from "../../services/orders/audit.ts";
import { PagedCheckResult } from "./check.ts";
import type { CheckResult } from "./finding.ts";
import { EVENT_OF_STATUS, IS_PARTLY, PARTLY_REFUNDED } from "./orders.ts";
import type { Sources } from "./snapshot.ts";

/** Number of events compared at a time. */
const PAGE = 2000;
/** Time limit for NATS to return a page, and the maximum number of consecutive empty pages. */
const FETCH_MS = 5000;
const EMPTY_PAGES_MAX = 4;
const GROUP = "notifications";

/** Set of events in the stream that notifications has not acknowledged; about 30 bytes for each. */
export class UnreadEvents {
	#ids = new Set<number>();

	add(id: string): void {
		this.#ids.add(short(id));
	}

	/** Tells whether the event with this sequence of the aggregate is still unacknowledged in the stream. */
	has(aggregate: string, sequence: number): boolean {
		return this.#ids.has(short(eventId(aggregate, sequence)));
	}
}

/** Shortens an id: 12 of its 32 hexadecimal digits distinguish millions of events. */
function short(id: string): number {
	return Number.parseInt(id.replaceAll("-", "").slice(0, 12), 16);
}

/**
 * The fields of a message that are compared. A message may contain anything: values of another type are null, and text
 * is made valid for PostgreSQL.
 */
export interface Message {
	position: number;
	id: string | null;
	name: string | null;
	aggregate: string | null;
	sequence: number | null;
	data: Record<
		"order_id" | "number" | "user_id" | "refund_id" | "total_minor" | "currency",
		string | null
	> & {
		items: Record<string, string | number | null>[] | null;
	};
	/** Reason why the message violates its contract. */
	fault: string | null;
}

/** Reads the stream from its start and checks that each event came from an outbox and matches the database. */
export async function checkStream(
	sources: Sources,
): Promise<{ results: CheckResult[]; unread: UnreadEvents }> {
	const unread = new UnreadEvents();
	const origin = new PagedCheckResult(
		"an event in the stream came from an outbox",
		"Find out what else publishes to the stream (see the NATS account), and delete the message by `nats stream rmm`. After a restore of an older copy, run `npm run audit -- --accept-restore`.",
	);
	const content = new PagedCheckResult(
		"an event matches its order or user",
		"Consumers rely on the event: restore the order or user to match it, or correct the consumers' data by hand.",
	);
	const manager = await sources.nats.jetstreamManager();
	const acknowledged = await acknowledgedUpTo(manager, GROUP);
	for await (const page of messages(sources, manager)) {
		for (const { position, id } of page) {
			if (position > acknowledged && id !== null) {
				unread.add(id);
			}
		}
		await compare(sources, page, origin, content);
	}
	return { results: [origin, content], unread };
}

/** Returns the stream position up to which a consumer group has acknowledged every event. */
export async function acknowledgedUpTo(manager: JetStreamManager, group: string): Promise<number> {
	const consumer = await unlessMissing(manager.consumers.info(streamConfig().name, group));
	return consumer?.ack_floor.stream_seq ?? 0;
}

/** Yields the messages in the stream at the time of the call, except those removed in the meantime. */
export async function* messages({ nats }: Sources, manager: JetStreamManager): AsyncGenerator<Message[]> {
	const stateOf = async () => (await unlessMissing(manager.streams.info(streamConfig().name)))?.state;
	const end = await stateOf();
	if (!end || end.messages === 0) {
		return;
	}
	const consumer = await nats.jetstream().consumers.get(streamConfig().name);
	for (let position = 0, emptyPages = 0; position < end.last_seq; ) {
		const page: JsMsg[] = [];
		for await (const message of await consumer.fetch({ max_messages: PAGE, expires: FETCH_MS })) {
			page.push(message);
			if (message.info.pending === 0) {
				break;
			}
		}
		const last = page.at(-1);
		if (last) {
			emptyPages = 0;
			position = last.info.pending === 0 ? end.last_seq : last.seq;
			yield page.map(read);
		} else if (!(await stateOf())?.messages) {
			return;
		} else if (++emptyPages === EMPTY_PAGES_MAX) {
			throw new Error("NATS does not deliver the events of the stream: is it overloaded?");
		}
	}
}

function read(message: JsMsg): Message {
	let value: unknown;
	let fault: string | null = null;
	try {
		value = message.json();
		readEvent(value);
	} catch (error) {
		fault = textOf((error as Error).message);
	}
	const event = objectOf(value);
	const data = objectOf(event.data);
	return {
		position: message.seq,
		id: textOf(event.id),
		name: textOf(event.name),
		aggregate: textOf(event.aggregate),
		sequence: Number.isSafeInteger(event.sequence) ? (event.sequence as number) : null,
		data: {
			order_id: textOf(data.order_id),
			number: textOf(data.number),
			user_id: scalarOf(data.user_id)?.toString() ?? null,
			refund_id: textOf(data.refund_id),
			total_minor: scalarOf(data.total_minor ?? data.amount_minor)?.toString() ?? null,
			currency: textOf(data.currency),
			items: Array.isArray(data.items) ? data.items.map(lineOf) : null,
		},
		fault,
	};
}

function lineOf(item: unknown) {
	const { product_id, price_minor, quantity } = objectOf(item);
	return {
		product_id: scalarOf(product_id),
		price_minor: scalarOf(price_minor),
		quantity: scalarOf(quantity),
	};
}

function objectOf(value: unknown): Record<string, unknown> {
	return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}

function scalarOf(value: unknown): string | number | null {
	return Number.isFinite(value) ? (value as number) : textOf(value);
}

/** PostgreSQL accepts neither NUL nor an unpaired surrogate. */
function textOf(value: unknown): string | null {
	return typeof value === "string" ? value.toWellFormed().replaceAll("\0", "\ufffd") : null;
}

async function compare(
	sources: Sources,
	page: Message[],
	origin: PagedCheckResult,
	content: PagedCheckResult,
): Promise<void> {
	origin.checked += page.length;
	content.checked += page.length;
	const wrong = new Map<number, { origin: string | null; content: string | null; document: string }>();
	for (const [kind, database] of Object.entries(outboxes)) {
		const own = page.filter(({ aggregate }) => aggregate?.startsWith(`${kind}:`));
		const [sql, ...more] = CONTENT[kind] ?? [OF_OTHERS];
		const rows = await sources.snapshot(database, (query) =>
			query<{ position: number; origin: string | null; content: string | null; document: string }>(sql, [
				JSON.stringify(own),
				...more,
			]),
		);
		for (const row of rows) {
			wrong.set(row.position, row);
		}
	}
	for (const message of page) {
		const { position, aggregate, fault } = message;
		const found = wrong.get(position);
		const document = `event at ${position} of the stream`;
		if (isOfRemovedService(message)) {
			continue;
		}
		if (!(kindOf(aggregate ?? "") in outboxes)) {
			origin.add(document, "has an unknown aggregate");
		} else if (found?.origin) {
			origin.add(document, found.origin);
		} else if (fault !== null) {
			origin.add(document, `does not match its contract: ${fault}`);
		} else if (found?.content) {
			content.add(found.document, found.content);
		}
	}
}

/**
 * Tells whether an event is as an outbox makes it, but of a kind of aggregate that no contract has: the service that
 * published it was removed, and the stream stores it until it expires. No consumer handles it.
 */
function isOfRemovedService({ id, aggregate, sequence }: Message): boolean {
	return (
		aggregate !== null &&
		isEventRef(aggregate, sequence) &&
		!(kindOf(aggregate) in outboxes) &&
		id === eventId(aggregate, sequence as number)
	);
}

const STATUS_OF_EVENT = Object.fromEntries(
	Object.entries(EVENT_OF_STATUS).map(([status, event]) => [event, status]),
);

const MESSAGES = `jsonb_to_recordset($1::jsonb) AS m (position bigint, id text, name text, aggregate text, sequence bigint, data jsonb)`;

const ORIGIN = `CASE
	WHEN s.sequence IS NULL OR m.sequence IS NULL OR m.sequence NOT BETWEEN 1 AND s.sequence
	THEN concat('is ', m.name, ', event ', m.sequence, ' of ', m.aggregate, ', which published only ', coalesce(s.sequence, 0))
	WHEN m.id IS DISTINCT FROM md5(m.aggregate || '#' || m.sequence)::uuid::text
	THEN concat('is ', m.name, ' of ', m.aggregate, ', with an id that does not match its event ', m.sequence)
END`;

/** Simultaneous changes of a user may be published in any order. */
const OF_USERS = `SELECT * FROM (
	SELECT m.position::float8, ${ORIGIN} AS origin, 'user ' || u.id AS document, CASE
		WHEN u.id IS NULL THEN NULL
		WHEN m.data->>'user_id' IS DISTINCT FROM u.id::text THEN concat('is user ', m.data->>'user_id', ' in ', m.name)
		WHEN s.lost = 0 AND (m.name = 'user.registered') <> (m.sequence = 1) OR m.name <> 'user.registered' AND s.lost = 0
			AND NOT EXISTS (SELECT FROM user_history h WHERE h.user_id = u.id AND h.event = m.name)
		THEN concat('published ', m.name, ' as event ', m.sequence, ', which contradicts its history')
	END AS content
	FROM ${MESSAGES} LEFT JOIN event_sequences s ON s.aggregate = m.aggregate
	LEFT JOIN users u ON u.id = CASE WHEN m.aggregate ~ '^user:[1-9][0-9]{0,8}$' THEN substr(m.aggregate, 6)::integer END
) AS told WHERE origin IS NOT NULL OR content IS NOT NULL`;

/**
 * The sequence of an event corresponds to the position of its status in the order's history. Refunds of late payments
 * and of parts, and lost events shift it.
 */
const OF_ORDERS = `SELECT * FROM (
	SELECT m.position::float8, ${ORIGIN} AS origin, coalesce('order ' || o.number, m.aggregate) AS document, CASE
		-- Accepted as lost.
		WHEN o.id IS NULL AND s.lost >= s.sequence THEN NULL
		WHEN o.id IS NULL THEN 'does not exist, but published ' || m.name
		WHEN m.data->>'order_id' IS DISTINCT FROM o.id::text THEN concat('is order ', m.data->>'order_id', ' in ', m.name)
		WHEN m.data->>'user_id' IS DISTINCT FROM o.user_id::text
		THEN concat('belongs to user ', o.user_id, ', but to user ', m.data->>'user_id', ' in ', m.name)
		WHEN m.data->>'number' IS DISTINCT FROM o.number THEN concat('has the number ', m.data->>'number', ' in ', m.name)
		WHEN m.data->>'total_minor' IS DISTINCT FROM o.total_minor::text
		THEN concat('has a total of ', o.total_minor, ', but ', m.data->>'total_minor', ' in ', m.name)
		WHEN m.data->>'currency' IS DISTINCT FROM o.currency
		THEN concat('is in ', o.currency, ', but in ', m.data->>'currency', ' in ', m.name)
		WHEN m.name = 'order.placed' AND ${linesIn("m.data->'items'")} IS DISTINCT FROM ${LINES}
		THEN 'has other lines than in ' || m.name
		WHEN m.name = 'payment.refunded' AND late.refunds = 0 AND s.lost = 0
			OR m.name = '${PARTLY_REFUNDED}' AND s.lost = 0 AND NOT coalesce(m.data->>'refund_id' = ANY (partly.ids), false)
			OR m.name NOT IN ('payment.refunded', '${PARTLY_REFUNDED}') AND h.status IS NULL AND s.lost = 0
			OR m.sequence NOT BETWEEN h.first AND h.last + late.refunds + cardinality(partly.ids) + s.lost
		THEN concat('published ', m.name, ' as event ', m.sequence, ', which contradicts its history')
	END AS content
	FROM ${MESSAGES} LEFT JOIN event_sequences s ON s.aggregate = m.aggregate
	LEFT JOIN orders o ON o.id = ${asUuid("substr(m.aggregate, 7)")}
	LEFT JOIN LATERAL (
		SELECT h.status, 1 + count(*) FILTER (WHERE other.at < h.at) AS first, count(*) FILTER (WHERE other.at <= h.at) AS last
		FROM order_history h JOIN order_history other ON other.order_id = h.order_id
		WHERE h.order_id = o.id AND h.status = $2::jsonb->>m.name GROUP BY h.order_id, h.status, h.at
	) AS h ON true
	LEFT JOIN LATERAL (
		SELECT count(*) AS refunds FROM payments p WHERE p.order_id = o.id AND p.is_late AND p.status = 'refunded'
	) AS late ON true
	LEFT JOIN LATERAL (
		SELECT coalesce(array_agg(r.id::text), '{}') AS ids FROM refunds r WHERE r.order_id = o.id AND ${IS_PARTLY}
	) AS partly ON true
) AS told WHERE origin IS NOT NULL OR content IS NOT NULL`;

/** Of other events only their place is known. */
const OF_OTHERS = `SELECT * FROM (
	SELECT m.position::float8, ${ORIGIN} AS origin, m.aggregate AS document, NULL AS content
	FROM ${MESSAGES} LEFT JOIN event_sequences s ON s.aggregate = m.aggregate
) AS told WHERE origin IS NOT NULL`;

/** By the kind of aggregate: the query that compares its events with what happened, and the parameters from $2 on. */
const CONTENT: Record<string, [sql: string, ...more: string[]]> = {
	user: [OF_USERS],
	order: [OF_ORDERS, JSON.stringify(STATUS_OF_EVENT)],
};
