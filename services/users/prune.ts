import { FORMER_EMAILS_KEPT_DAYS, MAIL_REQUESTS_KEPT_DAYS, PRUNED_AT_ONCE } from "../../config/retention.ts";
import { ACCESS_SECONDS } from "../../contracts/users.ts";
import { oldRows, type Prune } from "../../mixins/pruning.ts";

/** Deletes expired refresh tokens, used or not. */
export const pruneTokens = oldRows("refresh_tokens", "expires_at <= now()");

/** Deletes expired counts of wrong passwords and registrations. */
export const pruneAttempts = oldRows("login_attempts", "expire < (extract(epoch FROM now()) * 1000)::bigint");

/**
 * Deletes former addresses that are no longer needed: events are stored as long, and their mails are given up far
 * sooner.
 */
export const pruneFormerEmails = oldRows(
	"former_emails",
	`until < now() - interval '${FORMER_EMAILS_KEPT_DAYS} days'`,
);

/**
 * Deletes signing keys whose tokens have all expired: those before a key that is older than the lifetime of any token.
 */
export const pruneKeys = oldRows(
	"signing_keys k",
	`EXISTS (
		SELECT FROM signing_keys newer
		WHERE newer.created_at > k.created_at
			AND newer.created_at < now() - interval '${4 * ACCESS_SECONDS} seconds'
	)`,
);

/** Deletes old requests for mails, which anyone may make for any address; user_history_counts records their number. */
export const pruneMailRequests: Prune = async (pool) => {
	const { rows } = await pool.query<{ pruned: number }>(
		`WITH gone AS (
			DELETE FROM user_history WHERE ctid = ANY (ARRAY(
				SELECT ctid FROM user_history
				WHERE event ~ '_(requested|announced)$' AND at < now() - interval '${MAIL_REQUESTS_KEPT_DAYS} days'
				LIMIT ${PRUNED_AT_ONCE} FOR UPDATE SKIP LOCKED
			))
			RETURNING user_id, event
		), counted AS (
			INSERT INTO user_history_counts AS c (user_id, event, pruned)
			-- Two of these at the same moment must not lock the same counts in two sequences.
			SELECT user_id, event, count(*) FROM gone GROUP BY user_id, event ORDER BY user_id, event
			ON CONFLICT (user_id, event) DO UPDATE SET pruned = c.pruned + excluded.pruned
		)
		SELECT count(*)::integer AS pruned FROM gone`,
	);
	return rows[0]?.pruned === PRUNED_AT_ONCE;
};
