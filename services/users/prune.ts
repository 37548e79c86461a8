import { FORMER_EMAILS_KEPT_DAYS, MAIL_REQUESTS_KEPT_DAYS, PRUNED_AT_ONCE } from "../../config/retention.ts";
import { ACCESS_SECONDS } from "../../contracts/users.ts";
import { oldRows, type Prune } from "../../mixins/pruning.ts";

/** Forgets refresh tokens that have expired, used or not. */
export const pruneTokens = oldRows("refresh_tokens", "expires_at <= now()");

/** Forgets counts of wrong passwords and registrations that are over. */
export const pruneAttempts = oldRows("login_attempts", "expire < (extract(epoch FROM now()) * 1000)::bigint");

/** Forgets addresses of which nobody asks any more: events stay as long, and their mails are given up far sooner. */
export const pruneFormerEmails = oldRows(
	"former_emails",
	`until < now() - interval '${FORMER_EMAILS_KEPT_DAYS} days'`,
);

/** Forgets signing keys whose last tokens are over: those before one that has been there for longer than any token. */
export const pruneKeys = oldRows(
	"signing_keys k",
	`EXISTS (
		SELECT FROM signing_keys newer
		WHERE newer.created_at > k.created_at
			AND newer.created_at < now() - interval '${4 * ACCESS_SECONDS} seconds'
	)`,
);

/** Forgets when mails were asked for long ago, which anybody may do for any address; their number stays. */
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
