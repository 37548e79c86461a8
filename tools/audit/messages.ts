import type { EventName } from "../../contracts/actions.ts";
import { MESSAGES } from "../../services/notifications/messages.ts";
import type { EventCounts, Happened, Look, Told } from "./finding.ts";
import { look, type PagedLook } from "./look.ts";
import type { Snapshot, Sources } from "./snapshot.ts";

/** Maximum delay before a retry of a message. Its longest backoff is three minutes. */
const PUT_OFF_MINUTES = 10;

/** Counts the mails and text messages of some orders and users. */
export function toldOf(query: Snapshot, aggregates: string[]): Promise<Told[]> {
	return query<Told>(
		`SELECT n.aggregate, n.type, array_agg(DISTINCT n.user_id) AS user_ids,
			count(*) FILTER (WHERE n.channel = 'email')::integer AS mails,
			count(*) FILTER (WHERE n.channel = 'sms')::integer AS texts,
			count(*) FILTER (WHERE n.status = 'queued')::integer AS queued,
			(max(n.send_at) FILTER (
				WHERE n.status = 'queued' AND n.send_at > now() + interval '${PUT_OFF_MINUTES} minutes'
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
export function compareMessages(one: Happened, told: Told[], isBehind: boolean, seen: PagedLook): void {
	const { document, user_id } = one;
	const expected = expectedMessages(one.happened);
	const kept = expectedMessages(one.recent);
	for (const [type, { name, count }] of expected) {
		const least = kept.get(type)?.count ?? 0;
		seen.looked_at += least;
		const { mails, texts } = told.find((message) => message.type === type) ?? { mails: 0, texts: 0 };
		// A user restored from an older backup may have received messages for lost events.
		if (mails > count && one.lost === 0) {
			seen.add(document, `has ${mails} messages for ${count} ${name}`);
		} else if (mails < least && isBehind) {
			seen.under_way++;
		} else if (mails < least) {
			seen.add(document, `has no message for ${name}`);
		}
		if (texts > count && one.lost === 0) {
			seen.add(document, `has ${texts} text messages for ${count} ${name}`);
		}
	}
	for (const { type, queued, put_off_to, user_ids } of told) {
		if (!expected.has(type) && one.lost === 0) {
			seen.add(document, `has told its owner ${type}, which did not happen`);
		}
		if (user_ids.some((id) => id !== user_id)) {
			seen.add(document, `is of user ${user_id}, but ${type} is for user ${user_ids.join(" and user ")}`);
		}
		if (put_off_to !== null) {
			seen.add(document, `${type} is queued, but put off to ${put_off_to}`);
		}
		seen.under_way += queued;
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

/** Checks messages against their own rows: failed messages, and sent messages without a handover. */
export function lookAtMessages(sources: Sources): Promise<Look[]> {
	return sources.snapshot("notifications", async (query) => [await failed(query), await handedOver(query)]);
}

/** Finds failed messages. Those of deleted users have no content and are ignored. */
function failed(query: Snapshot): Promise<Look> {
	return look(query, {
		check: "no message failed for good",
		cure: "Mend what the reason names, then run the command of the line.",
		all: "SELECT count(*)::integer AS rows FROM notifications",
		wrong: `SELECT 'messages ' || type, count(*) || ' of them failed for good, most because of: '
				|| coalesce(mode() WITHIN GROUP (ORDER BY history->-1->>'reason'), 'no reason is known')
				|| '. To send them again: npm run mails -- retry --type ' || type
			FROM notifications WHERE status = 'failed' AND data IS NOT NULL GROUP BY type`,
	});
}

function handedOver(query: Snapshot): Promise<Look> {
	return look(query, {
		check: "a sent message was handed over",
		cure: "The row was changed by hand: what the mail or SMS server has in its log is so.",
		all: "SELECT count(*)::integer AS rows FROM notifications WHERE status = 'sent'",
		wrong: `SELECT 'message ' || id, CASE
				WHEN channel NOT IN ('email', 'sms') THEN type || ' goes by ' || channel || ', which is no channel'
				WHEN status = 'queued' AND aggregate = '' THEN type || ' is queued, and about nothing'
				WHEN status = 'queued' AND leased_at > now() + interval '1 hour'
				THEN type || ' is with a sender since ' || leased_at || ', which is still to come'
				WHEN status = 'sent' AND sent_at IS NULL THEN type || ' is sent, but at no time'
				WHEN status = 'sent' AND NOT history @> '[{"status": "sent"}]'
				THEN type || ' is sent, but its history knows nothing of it'
				WHEN status = 'sent' AND data IS NOT NULL THEN type || ' is sent, but still has what it is made of'
				WHEN sent_at > now() + interval '1 day' THEN type || ' was sent at ' || sent_at || ', which is still to come'
				WHEN status <> 'sent' AND sent_at IS NOT NULL THEN type || ' is ' || status || ', but was sent at ' || sent_at
				WHEN status = 'failed' AND data IS NULL AND recipient IS NOT NULL
				THEN type || ' failed, and what it is made of is gone'
				WHEN status = 'queued' AND data IS NULL THEN type || ' is queued, but there is nothing to send'
			END
			FROM notifications
			WHERE (status = 'sent') <> (sent_at IS NOT NULL) OR sent_at > now() + interval '1 day'
				OR status = 'sent' AND (data IS NOT NULL OR NOT history @> '[{"status": "sent"}]')
				OR status = 'queued' AND (data IS NULL OR aggregate = '' OR leased_at > now() + interval '1 hour')
				OR status = 'failed' AND data IS NULL AND recipient IS NOT NULL OR channel NOT IN ('email', 'sms')`,
	});
}
