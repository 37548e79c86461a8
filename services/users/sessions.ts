import type { Pool, PoolClient } from "pg";
import { ACCESS_SECONDS } from "../../contracts/users.ts";
import type { PostgresService } from "../../database/postgres-service.ts";
import { publishRevocations, type Revocation } from "../../nats/revocations.ts";

/** Ends all sessions of a user within its transaction. */
export type EndSessions = (user_id: number) => Promise<void>;

/**
 * Runs a transaction that may end sessions. Their refresh tokens are invalid once it is committed, and their access
 * tokens are invalid on every node once this resolves. It is the only way to end all sessions of a user, so that every
 * node is notified.
 */
export async function endingSessions<T>(
	service: PostgresService,
	work: (client: PoolClient, endSessions: EndSessions) => Promise<T>,
): Promise<T> {
	const { result, revoked } = await service.transaction(async (client) => {
		const revoked: Revocation[] = [];
		const result = await work(client, async (user_id) => {
			revoked.push(await endSessions(client, user_id));
		});
		return { result, revoked };
	});
	await publishRevocations(service.broker, revoked);
	return result;
}

/**
 * Ends all sessions of a user. It locks the user first, because only a statement that begins after that sees all tokens
 * of concurrent logins.
 */
async function endSessions(client: PoolClient, user_id: number): Promise<Revocation> {
	await client.query("SELECT FROM users WHERE id = $1 FOR UPDATE", [user_id]);
	await client.query("DELETE FROM refresh_tokens WHERE user_id = $1", [user_id]);
	const { rows } = await client.query<Revocation>(
		`UPDATE users SET session_version = session_version + 1, revoked_at = now() WHERE id = $1
		RETURNING id AS user_id, session_version`,
		[user_id],
	);
	return rows[0] as Revocation;
}

/** Returns the users whose older access tokens are revoked, while such tokens can be unexpired. */
export async function listRevocations(pool: Pick<Pool, "query">): Promise<Revocation[]> {
	const { rows } = await pool.query<Revocation>(
		`SELECT id AS user_id, session_version FROM users
		WHERE revoked_at > now() - make_interval(secs => $1)`,
		[2 * ACCESS_SECONDS],
	);
	return rows;
}
