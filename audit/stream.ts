import type { JetStreamManager, JsMsg } from "nats";
import { eventId, streamConfig } from "../mixins/events.ts";
import { unlessMissing } from "../mixins/stream.ts";
import type { Look } from "./audit.ts";
import { PagedLook } from "./look.ts";
import { LINES, linesIn } from "./orders.ts";
import type { Sources } from "./sources.ts";

/** How many events are compared at a time. */
const PAGE = 2000;
/** So long NATS may take for a page, and so often it may have none. */
const PATIENCE_MS = 5000;
const SILENCES_MAX = 4;
const GROUP = "notifications";

/** Events that the stream holds and notifications has not acknowledged: some 30 bytes for each. */
export class UnreadEvents {
	#ids = new Set<number>();

	add(id: string): void {
		this.#ids.add(short(id));
	}

	/** Whether the event with this place among those of its aggregate is left in the stream. */
	has(aggregate: string, sequence: number): boolean {
		return this.#ids.has(short(eventId(aggregate, sequence)));
	}
}

/** Twelve of the 32 digits are enough to tell some millions apart. */
function short(id: string): number {
	return Number.parseInt(id.replaceAll("-", "").slice(0, 12), 16);
}

/** A message of the stream. */
export interface Message {
	position: number;
	/** As it came; not every message has to be an event. */
	event: { id?: unknown; name?: unknown; aggregate?: unknown; sequence?: unknown; data?: unknown };
}

/** Reads the stream from its beginning: each event came from an outbox, and tells what the database says still. */
export async function lookAtStream(sources: Sources): Promise<{ looks: Look[]; unread: UnreadEvents }> {
	const unread = new UnreadEvents();
	const origin = new PagedLook("an event in the stream came from an outbox");
	const content = new PagedLook("an event tells what its order is");
	const manager = await sources.nats.jetstreamManager();
	const acknowledged = await acknowledgedUpTo(manager, GROUP);
	for await (const page of messages(sources, manager)) {
		for (const { position, event } of page) {
			if (position > acknowledged && typeof event.id === "string") {
				unread.add(event.id);
			}
		}
		await compare(sources, page, origin, content);
	}
	return { looks: [origin, content], unread };
}

/** The place in the stream up to which a group of consumers has acknowledged every event. */
export async function acknowledgedUpTo(manager: JetStreamManager, group: string): Promise<number> {
	const consumer = await unlessMissing(manager.consumers.info(streamConfig().name, group));
	return consumer?.ack_floor.stream_seq ?? 0;
}

/** All messages that the stream has at this moment, as far as it keeps them meanwhile. */
export async function* messages({ nats }: Sources, manager: JetStreamManager): AsyncGenerator<Message[]> {
	const stateOf = async () => (await unlessMissing(manager.streams.info(streamConfig().name)))?.state;
	const end = await stateOf();
	if (!end || end.messages === 0) {
		return;
	}
	const consumer = await nats.jetstream().consumers.get(streamConfig().name);
	for (let position = 0, silences = 0; position < end.last_seq; ) {
		const page: JsMsg[] = [];
		for await (const message of await consumer.fetch({ max_messages: PAGE, expires: PATIENCE_MS })) {
			page.push(message);
			if (message.info.pending === 0) {
				break;
			}
		}
		const last = page.at(-1);
		if (last) {
			silences = 0;
			position = last.info.pending === 0 ? end.last_seq : last.seq;
			yield page.map((message) => ({ position: message.seq, event: read(message) }));
		} else if (!(await stateOf())?.messages) {
			return;
		} else if (++silences === SILENCES_MAX) {
			throw new Error("NATS does not hand out the events that it has: is it overloaded?");
		}
	}
}

function read(message: JsMsg): Message["event"] {
	try {
		return message.json<Message["event"]>() ?? {};
	} catch {
		return {};
	}
}

const DATABASES = { user: "users", order: "orders" } as const;

async function compare(
	sources: Sources,
	page: Message[],
	origin: PagedLook,
	content: PagedLook,
): Promise<void> {
	origin.looked_at += page.length;
	for (const [kind, database] of Object.entries(DATABASES)) {
		const own = page.filter(({ event }) => String(event.aggregate).startsWith(`${kind}:`));
		const rows = await sources.snapshot(database, (query) =>
			query<{ position: number; origin: string | null; content: string | null; document: string }>(
				kind === "user" ? OF_USERS : OF_ORDERS,
				[JSON.stringify(own.map(({ position, event }) => ({ position, ...event })))],
			),
		);
		if (kind === "order") {
			content.looked_at += own.length;
		}
		for (const row of rows) {
			if (row.origin) {
				origin.add(`event at ${row.position} of the stream`, row.origin);
			} else if (row.content) {
				content.add(row.document, row.content);
			}
		}
	}
	for (const { position, event } of page) {
		if (!((String(event.aggregate).split(":")[0] as string) in DATABASES)) {
			origin.add(`event at ${position} of the stream`, "is of nothing that has events");
		}
	}
}

const GIVEN = `jsonb_to_recordset($1::jsonb) AS m (position bigint, id text, name text, aggregate text, sequence numeric, data jsonb)`;

const ORIGIN = `CASE
	WHEN s.sequence IS NULL OR m.sequence IS NULL OR m.sequence NOT BETWEEN 1 AND s.sequence
	THEN concat('is ', m.name, ', event ', m.sequence, ' of ', m.aggregate, ', which has had ', coalesce(s.sequence, 0))
	WHEN m.id IS DISTINCT FROM md5(m.aggregate || '#' || m.sequence)::uuid::text
	THEN concat('is ', m.name, ' of ', m.aggregate, ', with an id that is not that of its event ', m.sequence)
END`;

const OF_USERS = `SELECT m.position::float8, ${ORIGIN} AS origin, NULL AS content, m.aggregate AS document
FROM ${GIVEN} LEFT JOIN event_sequences s ON s.aggregate = m.aggregate
WHERE ${ORIGIN} IS NOT NULL`;

const OF_ORDERS = `SELECT * FROM (
	SELECT m.position::float8, ${ORIGIN} AS origin, coalesce('order ' || o.number, m.aggregate) AS document, CASE
		-- Accepted as lost.
		WHEN s.lost > 0 THEN NULL
		WHEN o.id IS NULL THEN 'is not there, but has told ' || m.name
		WHEN m.data->>'user_id' <> o.user_id::text THEN 'is of user ' || o.user_id || ', ' || m.name || ' told user ' || (m.data->>'user_id')
		WHEN m.data->>'number' <> o.number THEN m.name || ' told of ' || (m.data->>'number')
		WHEN m.data->>'total_minor' <> o.total_minor::text
		THEN 'has a total of ' || o.total_minor || ', ' || m.name || ' told ' || (m.data->>'total_minor')
		WHEN m.data->>'currency' <> o.currency THEN 'is in ' || o.currency || ', ' || m.name || ' told ' || (m.data->>'currency')
		WHEN m.name = 'order.placed' AND m.data ? 'items' AND ${linesIn("m.data->'items'")} IS DISTINCT FROM ${LINES}
		THEN 'has other lines than ' || m.name || ' told'
	END AS content
	FROM ${GIVEN} LEFT JOIN event_sequences s ON s.aggregate = m.aggregate
	LEFT JOIN orders o ON o.id = CASE
		WHEN m.aggregate ~ '^order:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' THEN substr(m.aggregate, 7)::uuid
	END
) AS told WHERE origin IS NOT NULL OR content IS NOT NULL`;
