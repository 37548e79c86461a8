import type { Check, ServiceAudit } from "../../database/audit.ts";

const accounts: Check = {
	check: "a deleted user has no account",
	remedy:
		"Delete the account again (`v1.users.remove`, or clear the columns by hand if deleted_at is set), and delete the remaining refresh tokens and addresses.",
	count: "SELECT count(*)::integer AS rows FROM users WHERE deleted_at IS NOT NULL OR NOT is_active",
	breaches: `SELECT 'user ' || id, 'was deleted, but the row still has personal data or allows a login'
		FROM users WHERE deleted_at IS NOT NULL AND (
			full_name <> '' OR phone IS NOT NULL OR pending_email IS NOT NULL OR password_hash <> ''
			OR email NOT LIKE 'deleted-%' OR username <> 'deleted ' || id OR is_active OR role <> 'user'
		)
		UNION ALL
		SELECT 'user ' || u.id, 'was deleted, but a former address is still stored'
		FROM users u WHERE deleted_at IS NOT NULL AND EXISTS (SELECT FROM former_emails f WHERE f.user_id = u.id)
		UNION ALL
		SELECT 'user ' || u.id, 'was deleted, but has ' || count(*) || ' addresses'
		FROM users u JOIN addresses a ON a.user_id = u.id WHERE u.deleted_at IS NOT NULL GROUP BY u.id
		UNION ALL
		SELECT 'user ' || u.id, CASE WHEN u.deleted_at IS NULL THEN 'is inactive' ELSE 'was deleted' END
			|| ', but has ' || count(*) || ' refresh tokens'
		FROM users u JOIN refresh_tokens t ON t.user_id = u.id WHERE NOT u.is_active OR u.deleted_at IS NOT NULL
		GROUP BY u.id
		UNION ALL
		SELECT DISTINCT 'user ' || u.id, 'was deleted, but exists again'
		FROM users u JOIN user_history h ON h.user_id = u.id WHERE u.deleted_at IS NULL AND h.event = 'user.deleted'
		UNION ALL
		SELECT 'user ' || id, 'has an id that is never assigned' FROM users WHERE id <= 0
		UNION ALL
		SELECT 'user ' || id, 'was deleted at ' || deleted_at || ', which is in the future'
		FROM users WHERE deleted_at > now() + interval '1 day'`,
};

export default { checks: [accounts] } satisfies ServiceAudit;
