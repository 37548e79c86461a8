import type { Check, Remnant, ServiceAudit, Snapshot } from "../../database/audit.ts";

/** Those of deleted users are empty, and nobody waits for them. */
const failed: Check = {
	check: "no message failed for good",
	remedy: "Mend what the reason names, then run the command of the line.",
	count: "SELECT count(*)::integer AS rows FROM notifications",
	breaches: `SELECT 'messages ' || type, count(*) || ' of them failed for good, most because of: '
			|| coalesce(mode() WITHIN GROUP (ORDER BY history->-1->>'reason'), 'no reason is known')
			|| '. To send them again: npm run mails -- retry --type ' || type
		FROM notifications WHERE status = 'failed' AND data IS NOT NULL GROUP BY type`,
};

const states: Check = {
	check: "a sent message was handed over",
	remedy: "The row was changed by hand: what the mail or SMS server has in its log is so.",
	count: "SELECT count(*)::integer AS rows FROM notifications WHERE status = 'sent'",
	breaches: `SELECT 'message ' || id, CASE
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
};

function remnants(query: Snapshot, user_ids: number[]): Promise<Remnant[]> {
	return query(
		`SELECT 'message ' || id AS document, type || ' has the address of user ' || user_id || ', who was deleted' AS what
		FROM notifications WHERE user_id = ANY ($1) AND (recipient IS NOT NULL OR subject IS NOT NULL) LIMIT 1000`,
		[user_ids],
	);
}

export default { checks: [failed, states], remnants } satisfies ServiceAudit;
