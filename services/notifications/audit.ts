import type { Check, Remnant, ServiceAudit, Snapshot } from "../../database/audit.ts";

/** Without messages of deleted users, which are empty and not awaited. */
const failed: Check = {
	check: "no message failed permanently",
	remedy: "Fix the cause that the reason names, then run the command in the line.",
	count: "SELECT count(*)::integer AS rows FROM notifications",
	breaches: `SELECT 'messages ' || type, count(*) || ' failed permanently, mostly because of: '
			|| coalesce(mode() WITHIN GROUP (ORDER BY history->-1->>'reason'), 'unknown reason')
			|| '. To send them again: npm run mails -- retry --type ' || type
		FROM notifications WHERE status = 'failed' AND data IS NOT NULL GROUP BY type`,
};

const states: Check = {
	check: "the state of a message is consistent",
	remedy: "The row was changed by hand: correct it according to the log of the mail or SMS server.",
	count: "SELECT count(*)::integer AS rows FROM notifications WHERE status = 'sent'",
	breaches: `SELECT 'message ' || id, CASE
			WHEN channel NOT IN ('email', 'sms') THEN type || ' uses ' || channel || ', which is not a channel'
			WHEN status = 'queued' AND aggregate = '' THEN type || ' is queued without an aggregate'
			WHEN status = 'queued' AND leased_at > now() + interval '1 hour'
			THEN type || ' is leased since ' || leased_at || ', which is in the future'
			WHEN status = 'sent' AND sent_at IS NULL THEN type || ' is sent, but has no time'
			WHEN status = 'sent' AND NOT history @> '[{"status": "sent"}]'
			THEN type || ' is sent, but not according to its history'
			WHEN status = 'sent' AND data IS NOT NULL THEN type || ' is sent, but still has its data'
			WHEN sent_at > now() + interval '1 day' THEN type || ' was sent at ' || sent_at || ', which is in the future'
			WHEN status <> 'sent' AND sent_at IS NOT NULL THEN type || ' is ' || status || ', but was sent at ' || sent_at
			WHEN status = 'failed' AND data IS NULL AND recipient IS NOT NULL
			THEN type || ' failed, but its data is missing'
			WHEN status = 'queued' AND data IS NULL THEN type || ' is queued, but its data is missing'
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
