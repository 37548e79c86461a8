import type { EventName } from "../contracts/actions.ts";
import { MESSAGES } from "../services/notifications/messages.ts";
import { STEPS } from "../services/orders/states.ts";
import type { Look } from "./audit.ts";
import type { Snapshot, Sources } from "./sources.ts";

/** An event that happened and that notifications listens to. */
interface Happened extends Record<string, unknown> {
	id: string;
	name: EventName;
	document: string;
	/** Still in the outbox. */
	in_outbox: boolean;
}

/** What follows an order's arrival in a state. */
const EVENT_OF_STATUS = {
	pending: "order.placed",
	...Object.fromEntries(Object.values(STEPS).map(({ to, event }) => [to, event])),
};

/**
 * Every event that happened, which the ids of orders, payments and users tell, was taken in by notifications, and its
 * message was sent.
 */
export async function lookAtEvents(sources: Sources): Promise<Look[]> {
	const happened = [
		...(await sources.snapshot("users", (query) => happenedToUsers(query))),
		...(await sources.snapshot("orders", (query) => happenedToOrders(query))),
	].filter(({ name }) => Object.hasOwn(MESSAGES, name));
	const unread = await sources.unread();
	const [taken, mails] = await sources.snapshot(
		"notifications",
		async (query) => [await takenIn(query, happened), await lookAtMails(query)] as const,
	);
	const missing = happened.filter(({ id }) => !taken.has(id));
	// Left in the stream while notifications is away: nothing is lost.
	const isWaiting = ({ name, in_outbox }: Happened) => in_outbox || (unread.get(name) ?? 0) > 0;
	return [
		{
			check: "an event reaches who listens",
			looked_at: happened.length,
			under_way: missing.filter(isWaiting).length,
			findings: missing
				.filter((event) => !isWaiting(event))
				.map(({ id, name, document }) => ({ document, what: `${name} (${id}) was never taken in` })),
		},
		mails,
		await deadJobs(sources),
	];
}

function happenedToUsers(query: Snapshot): Promise<Happened[]> {
	return query<Happened>(
		`SELECT id, name, document, EXISTS (SELECT FROM graphile_worker.jobs WHERE key = 'event:' || happened.id) AS in_outbox
		FROM (
			SELECT md5('user.registered:' || id)::uuid AS id, 'user.registered' AS name, 'user ' || id AS document FROM users
		) AS happened`,
	);
}

function happenedToOrders(query: Snapshot): Promise<Happened[]> {
	return query<Happened>(
		`SELECT id, name, document, EXISTS (SELECT FROM graphile_worker.jobs WHERE key = 'event:' || happened.id) AS in_outbox
		FROM (
			SELECT event_id(e.value, h.order_id::text) AS id, e.value AS name, 'order ' || o.number AS document
			FROM order_history h JOIN orders o ON o.id = h.order_id JOIN jsonb_each_text($1) e ON e.key = h.status
			UNION ALL
			SELECT event_id('payment.refunded', reference), 'payment.refunded', 'payment ' || reference
			FROM payments WHERE status = 'refunded' AND is_late
		) AS happened`,
		[JSON.stringify(EVENT_OF_STATUS)],
	);
}

async function takenIn(query: Snapshot, happened: Happened[]): Promise<Set<string>> {
	const rows = await query<{ event_id: string }>("SELECT event_id FROM inbox WHERE event_id = ANY ($1)", [
		happened.map(({ id }) => id),
	]);
	return new Set(rows.map(({ event_id }) => event_id));
}

async function lookAtMails(query: Snapshot): Promise<Look> {
	const rows = await query<{ document: string; what: string; has_job: boolean; is_sent: boolean }>(
		`SELECT i.name || ' ' || i.event_id AS document,
			CASE WHEN n.id IS NULL THEN 'has no message' ELSE 'has a message that is ' || n.status END AS what,
			coalesce(n.status = 'sent', false) AS is_sent,
			EXISTS (SELECT FROM graphile_worker.jobs WHERE key = 'notify:' || i.event_id) AS has_job
		FROM inbox i LEFT JOIN notifications n USING (event_id)`,
	);
	const unsent = rows.filter(({ is_sent }) => !is_sent);
	return {
		check: "a message is sent",
		looked_at: rows.length,
		under_way: unsent.filter(({ has_job }) => has_job).length,
		findings: unsent
			.filter(({ has_job }) => !has_job)
			.map(({ document, what }) => ({ document, what: `${what}, and no job sends it` })),
	};
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
