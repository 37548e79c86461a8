import type { EventName } from "../contracts/actions.ts";
import { MESSAGES } from "../services/notifications/messages.ts";
import { STEPS } from "../services/orders/states.ts";
import type { Look, LostEvent } from "./audit.ts";
import type { Snapshot, Sources } from "./sources.ts";

/** Something that has events, such as `order:<id>`, with the names of those that must have happened. */
interface Happened extends Record<string, unknown> {
	aggregate: string;
	document: string;
	names: EventName[];
	/** How many events were published, in the same transactions. */
	published: number;
	/** How many of them were lost when the database was restored from an older copy, and so are no part of `names`. */
	lost: number;
	/** Of those that the outbox still has: on their way, or put aside. */
	waiting: number[];
	/** And those that the stream had and notifications has acknowledged. */
	acknowledged: number[];
}

interface PutAside extends Record<string, unknown> {
	aggregate: string;
	sequence: number;
	name: string;
	refusal: string;
}

/** What follows an order's arrival in a state. */
const EVENT_OF_STATUS = {
	pending: "order.placed",
	...Object.fromEntries(Object.values(STEPS).map(({ to, event }) => [to, event])),
};

/**
 * Everything that happened, which the rows of users, orders and payments tell, was published, was taken in by
 * notifications up to the last event, and its messages were sent.
 */
export async function lookAtEvents(sources: Sources): Promise<Look[]> {
	// First, so that what is acknowledged is in the inbox by the time that it is read.
	const consumer = await sources.consumer();
	const [users, orders] = [
		await sources.snapshot("users", (query) => happenedToUsers(query, consumer.confirmed)),
		await sources.snapshot("orders", (query) => happenedToOrders(query, consumer.confirmed)),
	];
	const happened = [...users, ...orders];
	const aside = [
		...(await sources.snapshot("users", putAside)).map((one) => ({ database: "users" as const, ...one })),
		...(await sources.snapshot("orders", putAside)).map((one) => ({ database: "orders" as const, ...one })),
	];
	const [taken, letters, messages] = await sources.snapshot(
		"notifications",
		async (query) => [await takenIn(query), await deadLetters(query), await messagesOf(query)] as const,
	);
	const behind = happened.filter((one) => missing(one, taken).length > 0);
	const lost = [
		...users.flatMap((one) => lostOf(one, "users", taken, consumer.unread)),
		...orders.flatMap((one) => lostOf(one, "orders", taken, consumer.unread)),
	];
	return [
		{
			check: "what happened is an event",
			looked_at: happened.length,
			under_way: 0,
			findings: happened
				.filter(({ names, published, lost }) => names.length !== published - lost)
				.map(({ document, names, published, lost }) => ({
					document,
					what: `${published - lost} of ${names.length} events were published`,
				})),
		},
		{
			check: "an event reaches who listens",
			looked_at: happened.reduce((sum, { published }) => sum + published, 0),
			under_way: behind.length - lost.length,
			findings: [
				...lost,
				...aside.map(({ database, aggregate, sequence, name, refusal }) => ({
					document: `event ${sequence} of ${aggregate}`,
					what: `${name} was put aside and is not published: ${refusal}`,
					events: [{ database, aggregate, sequence }],
				})),
				...letters.map(({ id, name, error }) => ({
					document: `dead letter ${id}`,
					what: `${name} could not be taken in: ${error}`,
				})),
			],
		},
		lookAtMessages(happened, new Set(behind.map(({ aggregate }) => aggregate)), messages),
		await deadJobs(sources),
	];
}

/** What notifications has taken in of a thing's events: all up to `sequence`, but those that were passed over. */
interface Taken {
	sequence: number;
	gaps: number[];
}

/** The events of a thing that notifications has not taken in. */
function missing({ aggregate, published }: Happened, taken: Map<string, Taken>): number[] {
	const { sequence, gaps } = taken.get(aggregate) ?? { sequence: 0, gaps: [] };
	const after = Array.from({ length: Math.max(0, published - sequence) }, (_, index) => sequence + 1 + index);
	return [...gaps, ...after];
}

/** Those of them that are not on their way: what the outbox does not have any more may be, while the stream has any. */
function lostOf(
	one: Happened,
	database: LostEvent["database"],
	taken: Map<string, Taken>,
	unread: number,
): Look["findings"] {
	const { aggregate, document, published, waiting, acknowledged } = one;
	const lost = missing(one, taken).filter(
		(sequence) => !waiting.includes(sequence) && (unread === 0 || acknowledged.includes(sequence)),
	);
	const last = taken.get(aggregate)?.sequence ?? 0;
	const passed = lost.filter((sequence) => sequence <= last);
	const events = lost.map((sequence) => ({ database, aggregate, sequence }));
	if (passed.length > 0) {
		return [
			{
				document,
				what: `event ${passed.join(", ")} of ${published} was passed over and did not come`,
				events,
			},
		];
	}
	return lost.length > 0
		? [{ document, what: `event ${last} of ${published} was the last to be taken in`, events }]
		: [];
}

function putAside(query: Snapshot): Promise<PutAside[]> {
	return query<PutAside>(
		"SELECT aggregate, sequence, name, refusal FROM outbox WHERE refusal IS NOT NULL ORDER BY position",
	);
}

function happenedToUsers(query: Snapshot, confirmed: number): Promise<Happened[]> {
	return query<Happened>(
		`SELECT 'user:' || id AS aggregate, 'user ' || id AS document, ${PUBLISHED},
			ARRAY['user.registered'] || ARRAY(SELECT event FROM user_history h WHERE h.user_id = users.id) AS names
		FROM users LEFT JOIN event_sequences s ON s.aggregate = 'user:' || id`,
		[confirmed],
	);
}

function happenedToOrders(query: Snapshot, confirmed: number): Promise<Happened[]> {
	return query<Happened>(
		`SELECT 'order:' || o.id AS aggregate, 'order ' || o.number AS document, ${PUBLISHED},
			(SELECT array_agg(e.value) FROM order_history h JOIN jsonb_each_text($2) e ON e.key = h.status
				WHERE h.order_id = o.id)
			|| (SELECT array_agg('payment.refunded'::text) FROM payments p
				WHERE p.order_id = o.id AND p.status = 'refunded' AND p.is_late) AS names
		FROM orders o LEFT JOIN event_sequences s ON s.aggregate = 'order:' || o.id`,
		[confirmed, JSON.stringify(EVENT_OF_STATUS)],
	);
}

const ON_ITS_WAY = "(e.published_at IS NULL OR e.stream_sequence > $1::bigint)";

/** $1: up to which place in the stream everything is acknowledged. */
const PUBLISHED = `coalesce(s.sequence, 0) AS published, coalesce(s.lost, 0) AS lost,
	ARRAY(SELECT e.sequence FROM outbox e WHERE e.aggregate = s.aggregate AND ${ON_ITS_WAY}) AS waiting,
	ARRAY(SELECT e.sequence FROM outbox e WHERE e.aggregate = s.aggregate AND NOT ${ON_ITS_WAY}) AS acknowledged`;

async function takenIn(query: Snapshot): Promise<Map<string, Taken>> {
	const rows = await query<Taken & { aggregate: string }>(
		`SELECT aggregate, sequence, ARRAY(
			SELECT g.sequence FROM inbox_gaps g WHERE g.aggregate = inbox.aggregate ORDER BY g.sequence
		) AS gaps FROM inbox`,
	);
	return new Map(rows.map(({ aggregate, sequence, gaps }) => [aggregate, { sequence, gaps }]));
}

function deadLetters(query: Snapshot) {
	return query<{ id: string; name: string; error: string }>("SELECT id, name, error FROM dead_letters");
}

interface MessageState extends Record<string, unknown> {
	aggregate: string;
	type: string;
	status: string;
	has_job: boolean;
	count: number;
}

function messagesOf(query: Snapshot): Promise<MessageState[]> {
	return query<MessageState>(
		// One that the recipient's server refused for good has been tried.
		`SELECT aggregate, type, coalesce(min(status) FILTER (WHERE status = 'queued'), 'sent') AS status, count(*)::integer AS count,
			bool_or(EXISTS (SELECT FROM graphile_worker.jobs WHERE key = 'send:' || id)) AS has_job
		FROM notifications WHERE channel = 'email' GROUP BY aggregate, type`,
	);
}

function lookAtMessages(happened: Happened[], behind: Set<string>, messages: MessageState[]): Look {
	const byName = new Map(messages.map((message) => [`${message.aggregate} ${message.type}`, message]));
	const look: Look = { check: "a message is sent", looked_at: 0, under_way: 0, findings: [] };
	// People may have been told of what is lost.
	for (const { aggregate, document, names } of happened.filter(({ lost }) => lost === 0)) {
		for (const [name, count] of counted(names)) {
			const type = MESSAGES[name as keyof typeof MESSAGES]?.type;
			if (!type) {
				continue;
			}
			look.looked_at += count;
			const message = byName.get(`${aggregate} ${type}`);
			const isMissing = (message?.count ?? 0) < count;
			if (isMissing ? behind.has(aggregate) : message?.status !== "sent" && message?.has_job) {
				look.under_way++;
			} else if (isMissing) {
				look.findings.push({ document, what: `has no message for ${name}` });
			} else if ((message?.count ?? 0) > count) {
				look.findings.push({ document, what: `has ${message?.count} messages for ${count} ${name}` });
			} else if (message?.status === "queued") {
				look.findings.push({ document, what: `${type} is ${message?.status}, and no job sends it` });
			}
		}
	}
	return look;
}

function counted(names: EventName[]): Map<EventName, number> {
	const counts = new Map<EventName, number>();
	for (const name of names) {
		counts.set(name, (counts.get(name) ?? 0) + 1);
	}
	return counts;
}

async function deadJobs(sources: Sources): Promise<Look> {
	let looked_at = 0;
	let due = 0;
	const findings: Look["findings"] = [];
	for (const database of ["users", "orders", "notifications"] as const) {
		const jobs = await sources.snapshot(database, (query) =>
			query<{ id: string; task: string; last_error: string | null; is_dead: boolean; is_due: boolean }>(
				// One that has lost its key was replaced or removed while it was under way.
				`SELECT id::text, task_identifier AS task, last_error, attempts >= max_attempts AS is_dead,
					run_at <= now() AND attempts < max_attempts AS is_due
				FROM graphile_worker.jobs WHERE attempts < max_attempts OR key IS NOT NULL`,
			),
		);
		looked_at += jobs.length;
		due += jobs.filter(({ is_due }) => is_due).length;
		for (const { id, task, last_error } of jobs.filter(({ is_dead }) => is_dead)) {
			findings.push({ document: `job ${id} of ${database}`, what: `${task} was given up: ${last_error}` });
		}
	}
	return { check: "no job is given up", looked_at, under_way: due, findings };
}
