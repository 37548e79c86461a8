import type { EventName } from "../../contracts/actions.ts";
import type { Snapshot } from "../../database/audit.ts";
import { MESSAGES } from "../../services/notifications/messages.ts";
import type { PagedCheckResult } from "./check.ts";
import type { AggregateEvents, EventCounts, MessageCount } from "./finding.ts";

/** Maximum delay before a retry of a message. Its longest backoff is three minutes. */
const POSTPONED_MINUTES = 10;

/** Counts the mails and text messages of some orders and users. */
export function countMessages(query: Snapshot, aggregates: string[]): Promise<MessageCount[]> {
	return query<MessageCount>(
		`SELECT n.aggregate, n.type, array_agg(DISTINCT n.user_id) AS user_ids,
			count(*) FILTER (WHERE n.channel = 'email')::integer AS mails,
			count(*) FILTER (WHERE n.channel = 'sms')::integer AS texts,
			count(*) FILTER (WHERE n.status = 'queued')::integer AS queued,
			(max(n.send_at) FILTER (
				WHERE n.status = 'queued' AND n.send_at > now() + interval '${POSTPONED_MINUTES} minutes'
			) AT TIME ZONE 'UTC')::text AS put_off_to
		FROM notifications n WHERE n.aggregate = ANY ($1) GROUP BY n.aggregate, n.type`,
		[aggregates],
	);
}

/**
 * Compares the events of an aggregate with the messages sent to its owner.
 *
 * @param isBehind Whether some of its events are not processed yet.
 */
export function compareMessages(
	events: AggregateEvents,
	counts: MessageCount[],
	isBehind: boolean,
	result: PagedCheckResult,
): void {
	const { document, user_id } = events;
	const expected = expectedMessages(events.happened);
	const retained = expectedMessages(events.recent);
	for (const [type, { name, count }] of expected) {
		const min = retained.get(type)?.count ?? 0;
		result.checked += min;
		const { mails, texts } = counts.find((message) => message.type === type) ?? { mails: 0, texts: 0 };
		// A user restored from an older backup may have received messages for lost events.
		if (mails > count && events.lost === 0) {
			result.add(document, `has ${mails} messages for ${count} ${name}`);
		} else if (mails < min && isBehind) {
			result.in_progress++;
		} else if (mails < min) {
			result.add(document, `has no message for ${name}`);
		}
		if (texts > count && events.lost === 0) {
			result.add(document, `has ${texts} text messages for ${count} ${name}`);
		}
	}
	for (const { type, queued, put_off_to, user_ids } of counts) {
		if (!expected.has(type) && events.lost === 0) {
			result.add(document, `has the message ${type} for an event that did not happen`);
		}
		if (user_ids.some((id) => id !== user_id)) {
			result.add(
				document,
				`belongs to user ${user_id}, but ${type} is for user ${user_ids.join(" and user ")}`,
			);
		}
		if (put_off_to !== null) {
			result.add(document, `${type} is queued, but postponed to ${put_off_to}`);
		}
		result.in_progress += queued;
	}
}

function expectedMessages(counts: EventCounts): Map<string, { name: EventName; count: number }> {
	const expected = new Map<string, { name: EventName; count: number }>();
	for (const [name, count] of Object.entries(counts) as [EventName, number][]) {
		const type = MESSAGES[name as keyof typeof MESSAGES]?.type;
		if (type) {
			expected.set(type, { name, count: (expected.get(type)?.count ?? 0) + count });
		}
	}
	return expected;
}
