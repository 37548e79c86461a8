import { MESSAGES_KEPT_DAYS, POSITIONS_KEPT_DAYS } from "../../config/retention.ts";
import { type AggregateKind, databases, outboxes } from "../../contracts/services.ts";
import type { Snapshot } from "../../database/audit.ts";
import { FINDINGS_MAX, PagedCheckResult, pages } from "./check.ts";
import type { AggregateEvents, CheckResult, LostEvent, MessageCount } from "./finding.ts";
import { compareMessages, countMessages } from "./messages.ts";
import { EVENT_OF_STATUS, IS_PARTLY, PARTLY_REFUNDED } from "./orders.ts";
import type { Sources } from "./snapshot.ts";
import { checkStream, type UnreadEvents } from "./stream.ts";

/** Maximum number of missing events reported for one aggregate. After a repair, the next audit reports more. */
const MISSING_MAX = 1000;

/**
 * Checks that each change recorded in the rows of users, orders and payments was published as an event, that
 * notifications has processed all events of every service, and that their messages exist.
 */
export async function checkEvents(sources: Sources): Promise<CheckResult[]> {
	// Read the stream before the databases: an event published in between would be neither in the outbox nor in the
	// stream.
	const { results, unread } = await checkStream(sources);
	const changes = new PagedCheckResult(
		"every change is published as an event",
		"Compare the history of the order or user with its events in the outbox, and correct by hand what was changed: the number in event_sequences never decreases.",
	);
	const deliveries = new PagedCheckResult(
		"every event reaches its consumers",
		"`npm run audit -- --repair` publishes lost events and those put aside again, for 7 days; `npm run dead-letters` shows and retries dead letters.",
	);
	const messages = new PagedCheckResult(
		"every message is sent",
		"Start notifications and check its log for the reason why messages wait; a missing or duplicate message was changed by hand, so inform the customer yourself.",
	);
	for (const kind of Object.keys(outboxes) as AggregateKind[]) {
		const withHistory = HISTORIES[kind];
		for await (const page of withHistory?.(sources) ?? eventsOfOthers(sources, kind)) {
			const notifications = await readNotifications(sources, page);
			for (const expected of page) {
				const isBehind = compareInbox(outboxes[kind], expected, notifications, unread, deliveries);
				if (withHistory) {
					compareHistory(expected, changes);
					const sent = notifications.messages.get(expected.aggregate) ?? [];
					compareMessages(expected, sent, isBehind, messages);
				}
			}
		}
	}
	await addPutAside(sources, deliveries);
	await addDeadLetters(sources, deliveries);
	return [...results, changes, deliveries, messages];
}

/** By the kind of aggregate: reads its events with those that its rows say happened. */
const HISTORIES: { [K in AggregateKind]?: (sources: Sources) => AsyncGenerator<AggregateEvents[]> } = {
	user: eventsOfUsers,
	order: eventsOfOrders,
};

function compareHistory(expected: AggregateEvents, result: PagedCheckResult): void {
	result.checked++;
	const published = expected.published - expected.lost;
	const happened = Object.values(expected.happened).reduce((sum, count) => sum + count, 0);
	if (happened !== published) {
		result.add(expected.document, `${published} of ${happened} events were published`);
	}
}

/** Reads the events of other aggregates, of which only their number is known. */
function eventsOfOthers(sources: Sources, kind: AggregateKind) {
	return pages<AggregateEvents>(
		sources,
		outboxes[kind],
		`SELECT aggregate AS key, aggregate, aggregate AS document, 0 AS user_id, sequence AS published, 0 AS lost,
			${IN_OUTBOX} AS in_outbox, '{}'::jsonb AS happened, '{}'::jsonb AS recent, 0 AS forgotten
		FROM event_sequences s WHERE aggregate > $1 AND starts_with(aggregate, $3 || ':') ORDER BY aggregate LIMIT $2`,
		"",
		[kind],
	);
}

/**
 * Reads the events of users, counted by PostgreSQL: anyone may request a mail to a user every minute, and each is an
 * event.
 */
function eventsOfUsers(sources: Sources) {
	return pages<AggregateEvents>(
		sources,
		"users",
		`SELECT id AS key, 'user:' || id AS aggregate, 'user ' || id AS document, id AS user_id, ${PUBLISHED}, ${COUNTS},
			0 AS forgotten
		FROM users LEFT JOIN event_sequences s ON s.aggregate = 'user:' || id CROSS JOIN LATERAL (
			SELECT name, sum(times) AS times, coalesce(sum(times) FILTER (WHERE ${IS_RECENT}), 0) AS recent
			FROM (
				SELECT 'user.registered' AS name, users.created_at AS at, 1 AS times
				UNION ALL SELECT event, at, 1 FROM user_history h WHERE h.user_id = users.id
				UNION ALL SELECT event, '-infinity', pruned FROM user_history_counts c WHERE c.user_id = users.id
			) AS happened GROUP BY name
		) AS counted
		WHERE id > $1 GROUP BY id, s.aggregate ORDER BY id LIMIT $2`,
		0,
	);
}

function eventsOfOrders(sources: Sources) {
	return pages<AggregateEvents>(
		sources,
		"orders",
		`SELECT o.id AS key, 'order:' || o.id AS aggregate, 'order ' || o.number AS document, o.user_id, ${PUBLISHED}, ${COUNTS},
			coalesce(sum(forgotten), 0)::integer AS forgotten
		FROM orders o LEFT JOIN event_sequences s ON s.aggregate = 'order:' || o.id LEFT JOIN LATERAL (
			SELECT name, count(*) AS times, count(*) FILTER (WHERE ${IS_RECENT}) AS recent,
				count(*) FILTER (WHERE at < now() - interval '${POSITIONS_KEPT_DAYS} days') AS forgotten
			FROM (
				SELECT e.value AS name, h.at FROM order_history h JOIN jsonb_each_text($3) e ON e.key = h.status
				WHERE h.order_id = o.id
				UNION ALL SELECT 'payment.refunded', p.updated_at FROM payments p
				WHERE p.order_id = o.id AND p.status = 'refunded' AND p.is_late
				UNION ALL SELECT '${PARTLY_REFUNDED}', r.created_at FROM refunds r
				WHERE r.order_id = o.id AND ${IS_PARTLY}
			) AS happened GROUP BY name
		) AS counted ON true
		WHERE o.id > $1 GROUP BY o.id, s.aggregate ORDER BY o.id LIMIT $2`,
		"00000000-0000-0000-0000-000000000000",
		[JSON.stringify(EVENT_OF_STATUS)],
	);
}

const IS_RECENT = `at > now() - interval '${MESSAGES_KEPT_DAYS} days'`;

const IN_OUTBOX =
	"ARRAY(SELECT e.sequence FROM outbox e WHERE e.aggregate = s.aggregate AND e.published_at IS NULL)";

const PUBLISHED = `coalesce(s.sequence, 0) AS published, coalesce(s.lost, 0) AS lost, ${IN_OUTBOX} AS in_outbox`;

const COUNTS = `coalesce(jsonb_object_agg(name, times) FILTER (WHERE name IS NOT NULL), '{}') AS happened,
	coalesce(jsonb_object_agg(name, recent) FILTER (WHERE recent > 0), '{}') AS recent`;

/** Rows of notifications for one page of orders or users. */
interface NotificationRows {
	processed: Map<string, number>;
	/** Sequences of events that the inbox skipped, by aggregate. */
	gaps: Map<string, number[]>;
	messages: Map<string, MessageCount[]>;
}

function readNotifications(sources: Sources, page: AggregateEvents[]): Promise<NotificationRows> {
	const aggregates = page.map(({ aggregate }) => aggregate);
	return sources.snapshot("notifications", async (query) => {
		const places = await query<{ aggregate: string; sequence: number }>(
			"SELECT aggregate, sequence FROM inbox WHERE aggregate = ANY ($1)",
			[aggregates],
		);
		const gaps = await query<{ aggregate: string; sequences: number[] }>(
			`SELECT aggregate, array_agg(sequence ORDER BY sequence) AS sequences
			FROM inbox_gaps WHERE aggregate = ANY ($1) GROUP BY aggregate`,
			[aggregates],
		);
		const messages = new Map<string, MessageCount[]>();
		for (const message of await countMessages(query, aggregates)) {
			messages.set(message.aggregate, [...(messages.get(message.aggregate) ?? []), message]);
		}
		return {
			processed: new Map(places.map(({ aggregate, sequence }) => [aggregate, sequence])),
			gaps: new Map(gaps.map(({ aggregate, sequences }) => [aggregate, sequences])),
			messages,
		};
	});
}

/**
 * Compares the inbox with the published events of an aggregate.
 *
 * @returns Whether some events are not processed yet.
 */
function compareInbox(
	database: LostEvent["database"],
	expected: AggregateEvents,
	notifications: NotificationRows,
	unread: UnreadEvents,
	result: PagedCheckResult,
): boolean {
	const { aggregate, document, published, in_outbox, forgotten } = expected;
	const processed = notifications.processed.get(aggregate) ?? 0;
	const gaps = (notifications.gaps.get(aggregate) ?? []).filter((sequence) => sequence > forgotten);
	result.checked += published - forgotten;
	const isLost = (sequence: number) => !in_outbox.includes(sequence) && !unread.has(aggregate, sequence);
	const events = (lost: number[]) => ({
		events: lost.map((sequence) => ({ database, aggregate, sequence })),
	});
	const first = Math.max(processed, forgotten) + 1;
	const missing = Array.from(
		{ length: Math.min(MISSING_MAX, Math.max(0, published - first + 1)) },
		(_, index) => first + index,
	);
	const lost = missing.filter(isLost);
	if (processed > published) {
		result.add(document, `event ${processed} was processed, but ${published} were published`);
	} else if (lost.length > 0) {
		result.add(document, `event ${processed} of ${published} was the last one processed`, events(lost));
	} else if (missing.length > 0) {
		result.in_progress++;
	}
	for (const sequence of gaps) {
		if (isLost(sequence)) {
			const finding = `event ${sequence} of ${published} was skipped and has not arrived since`;
			result.add(document, finding, events([sequence]));
		} else {
			result.in_progress++;
		}
	}
	return missing.length > 0 || gaps.length > 0;
}

async function addPutAside(sources: Sources, result: PagedCheckResult): Promise<void> {
	for (const database of Object.values(outboxes)) {
		for (const { aggregate, sequence, name, refusal } of await sources.snapshot(database, putAside)) {
			const finding = `${name} was put aside and is not published: ${refusal}`;
			result.add(`event ${sequence} of ${aggregate}`, finding, {
				events: [{ database, aggregate, sequence }],
			});
		}
	}
}

function putAside(query: Snapshot) {
	return query<{ aggregate: string; sequence: number; name: string; refusal: string }>(
		`SELECT aggregate, sequence, name, refusal FROM outbox WHERE refusal IS NOT NULL
		ORDER BY position LIMIT ${FINDINGS_MAX}`,
	);
}

async function addDeadLetters(sources: Sources, result: PagedCheckResult): Promise<void> {
	for (const database of databases) {
		for (const { id, name, error } of await sources.snapshot(database, deadLetters)) {
			result.add(`dead letter ${id}`, `${name} could not be processed: ${error}`);
		}
	}
}

/** None where the service listens to no event. */
async function deadLetters(query: Snapshot): Promise<{ id: string; name: string; error: string }[]> {
	const [table] = await query<{ is_there: boolean }>(
		"SELECT to_regclass('dead_letters') IS NOT NULL AS is_there",
	);
	return table?.is_there
		? query("SELECT id, name, error FROM dead_letters ORDER BY failed_at DESC, id LIMIT 1000")
		: [];
}
