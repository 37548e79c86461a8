import type { PostgresService } from "../../database/postgres-service.ts";

/**
 * Warns of the accounts that lost their address in migration 009, because it equals another account's except for case.
 * Their owners could never log in to them.
 */
export async function warnOfDuplicates(service: PostgresService): Promise<void> {
	const { rows } = await service.pool.query<{ id: number }>(
		`SELECT id FROM users WHERE email LIKE 'duplicate-%@duplicate.invalid' AND deleted_at IS NULL
			AND EXISTS (SELECT FROM former_emails WHERE user_id = users.id AND until = 'infinity')
		ORDER BY id LIMIT 100`,
	);
	if (rows.length > 0) {
		const ids = rows.map(({ id }) => id).join(", ");
		service.logger.warn(
			`Users ${ids} registered with the address of another account in a different case, which an earlier version accepted. ` +
				"Nobody can log in to them: check them by GET /api/v1/users/{id}, then delete them",
		);
	}
}
