import type { EventName } from "../contracts/actions.ts";
import { MESSAGES } from "../services/notifications/messages.ts";
import { STEPS } from "../services/orders/states.ts";
import type { Look } from "./audit.ts";
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
	/** Some are still in the outbox. */
	in_outbox: boolean;
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
	const happened = [
		...(await sources.snapshot("users", happenedToUsers)),
		...(await sources.snapshot("orders", happenedToOrders)),
	];
	// Left in the stream while notifications is away: nothing is lost.
	const unread = await sources.unread();
	const [taken, letters, messages] = await sources.snapshot(
		"notifications",
		async (query) => [await takenIn(query), await deadLetters(query), await messagesOf(query)] as const,
	);
	const behind = happened.filter(({ aggregate, published }) => (taken.get(aggregate) ?? 0) < published);
	const isWaiting = ({ in_outbox }: Happened) => in_outbox || unread > 0;
	const lost = behind.filter((one) => !isWaiting(one));
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
				...lost.map(({ aggregate, document, published }) => ({
					document,
					what: `event ${taken.get(aggregate) ?? 0} of ${published} was the last to be taken in`,
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

function happenedToUsers(query: Snapshot): Promise<Happened[]> {
	return query<Happened>(
		`SELECT 'user:' || id AS aggregate, 'user ' || id AS document, ${PUBLISHED},
			ARRAY['user.registered'] || ARRAY(SELECT event FROM user_history h WHERE h.user_id = users.id) AS names
		FROM users LEFT JOIN event_sequences s ON s.aggregate = 'user:' || id`,
	);
}

function happenedToOrders(query: Snapshot): Promise<Happened[]> {
	return query<Happened>(
		`SELECT 'order:' || o.id AS aggregate, 'order ' || o.number AS document, ${PUBLISHED},
			(SELECT array_agg(e.value) FROM order_history h JOIN jsonb_each_text($1) e ON e.key = h.status
				WHERE h.order_id = o.id)
			|| (SELECT array_agg('payment.refunded'::text) FROM payments p
				WHERE p.order_id = o.id AND p.status = 'refunded' AND p.is_late) AS names
		FROM orders o LEFT JOIN event_sequences s ON s.aggregate = 'order:' || o.id`,
		[JSON.stringify(EVENT_OF_STATUS)],
	);
}

const PUBLISHED = `coalesce(s.sequence, 0) AS published, coalesce(s.lost, 0) AS lost, EXISTS (
	SELECT FROM graphile_worker.jobs j, generate_series(1, s.sequence) n WHERE j.key = 'event:' || s.aggregate || '#' || n
) AS in_outbox`;

async function takenIn(query: Snapshot): Promise<Map<string, number>> {
	const rows = await query<{ aggregate: string; sequence: number }>("SELECT aggregate, sequence FROM inbox");
	return new Map(rows.map(({ aggregate, sequence }) => [aggregate, sequence]));
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
