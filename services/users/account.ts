import { DatabaseError, type Pool, type PoolClient } from "pg";
import { problem } from "../../contracts/problems.ts";
import type { PostgresService } from "../../database/postgres-service.ts";
import { planErasure } from "./erasure.ts";
import { clearAttempts } from "./login-guard.ts";
import { MAIL_AGAIN_SECONDS, recordEvent, requestMailOnce } from "./mail-requests.ts";
import { type Credentials, isMailTokenOf, ownerOfMailToken, purposeOf } from "./mail-tokens.ts";
import type { UserAttributes } from "./model.ts";
import { hashPassword } from "./passwords.ts";
import { type EndSessions, endingSessions } from "./sessions.ts";
import { type Holder, issueRefreshToken } from "./tokens.ts";

/**
 * Confirms that the owner of a token has read a mail to the address: it becomes verified, or replaces the former one.
 * Idempotent.
 *
 * @throws MAIL_TOKEN_INVALID; EMAIL_TAKEN if another user has verified the new address meanwhile
 */
export async function confirmEmail(service: PostgresService, token: string): Promise<void> {
	await service.transaction(async (client) => {
		if (purposeOf(token) !== "change") {
			const { id } = await lockOwner(client, "verify", token);
			await client.query("UPDATE users SET is_verified = true WHERE id = $1 AND NOT is_verified", [id]);
			return;
		}
		const { id, email } = await lockOwner(client, "change", token);
		await client.query("INSERT INTO former_emails (user_id, email) VALUES ($1, $2)", [id, email]);
		await client
			.query(
				`UPDATE users SET email = pending_email, pending_email = NULL, is_verified = true, updated_at = now()
				WHERE id = $1`,
				[id],
			)
			.catch((error) => {
				throw error instanceof DatabaseError && error.constraint === "users_email"
					? problem("EMAIL_TAKEN")
					: error;
			});
		await recordEvent(client, "user.email_changed", id);
	});
}

/**
 * Requests a mail to a user's new address, which the owner of the address may confirm, and a warning to the current
 * one. If the address belongs to another account, only the warning is sent; the response is the same.
 *
 * @param checked The user as read when the password was checked.
 * @throws TOKEN_INVALID if the sessions have ended since, TOO_MANY_MAILS
 */
export async function requestEmailChange(
	service: PostgresService,
	checked: Holder,
	email: string,
): Promise<void> {
	const { id } = checked;
	await service.transaction(async (client) => {
		await lockChecked(client, checked);
		const { rows } = await client.query<{ is_free: boolean }>(
			`UPDATE users SET pending_email = $2
			WHERE id = $1
			RETURNING NOT EXISTS (SELECT FROM users u WHERE fold(u.email) = fold($2)) AS is_free`,
			[id, email],
		);
		if (!(await requestMailOnce(client, "user.email_change_announced", id))) {
			throw problem("TOO_MANY_MAILS", { retry_after_s: MAIL_AGAIN_SECONDS });
		}
		if (rows[0]?.is_free) {
			await recordEvent(client, "user.email_change_requested", id);
		}
	});
}

/**
 * Returns the former addresses of users that were current at the given times, within the last 30 days; at the time of a
 * change, the address before it. Null if the current address was already in use then, or no time is given.
 *
 * @param requests `at` is ISO 8601 in UTC, in milliseconds.
 */
export async function emailsAt(
	pool: Pick<Pool, "query">,
	requests: { id: number; at: string | null }[],
): Promise<(string | null)[]> {
	if (requests.every(({ at }) => at === null)) {
		return requests.map(() => null);
	}
	const { rows } = await pool.query<{ email: string | null }>(
		`SELECT (
			SELECT email FROM former_emails f WHERE f.user_id = a.id AND f.until >= a.at ORDER BY f.until LIMIT 1
		) AS email
		FROM unnest($1::integer[], $2::timestamptz[]) WITH ORDINALITY AS a (id, at, place) ORDER BY place`,
		[requests.map(({ id }) => id), requests.map(({ at }) => at)],
	);
	return rows.map(({ email }) => email);
}

/**
 * Sets a new password and ends all sessions. The token becomes invalid, since it is valid for the old password only.
 * Failed login attempts are reset.
 *
 * @throws MAIL_TOKEN_INVALID
 */
export async function resetPassword(
	service: PostgresService,
	token: string,
	password: string,
): Promise<void> {
	// Check the token first, so that no password is hashed for an invalid one.
	await service.transaction((client) => lockOwner(client, "reset", token));
	const password_hash = await hashPassword(password);
	await endingSessions(service, async (client, endSessions) => {
		const { id, email } = await lockOwner(client, "reset", token);
		await client.query("UPDATE users SET is_verified = true WHERE id = $1", [id]);
		await setPassword(client, endSessions, id, password_hash);
		await clearAttempts(client, email);
	});
}

/**
 * Sets a new password, ends all sessions and begins a new one.
 *
 * @param checked The user as read when the old password was checked.
 * @throws TOKEN_INVALID if the sessions have ended since, such as by a password reset
 */
export async function changePassword(
	service: PostgresService,
	checked: Holder,
	password: string,
): Promise<{ holder: Holder; refresh_token: string }> {
	const password_hash = await hashPassword(password);
	return endingSessions(service, async (client, endSessions) => {
		await lockChecked(client, checked);
		const holder = await setPassword(client, endSessions, checked.id, password_hash);
		return { holder, refresh_token: (await issueRefreshToken(client, holder)) as string };
	});
}

/**
 * Sets a password and ends all sessions. Also cancels a pending change of address, which someone with the old password
 * may have requested.
 */
async function setPassword(
	client: PoolClient,
	endSessions: EndSessions,
	id: number,
	password_hash: string,
): Promise<Holder> {
	await endSessions(id);
	const { rows } = await client.query<Holder>(
		`UPDATE users SET password_hash = $2, pending_email = NULL, updated_at = now() WHERE id = $1
		RETURNING id, role, session_version`,
		[id, password_hash],
	);
	await recordEvent(client, "user.password_changed", id);
	return rows[0] as Holder;
}

/**
 * Locks a user whose password was just checked.
 *
 * @throws TOKEN_INVALID if the sessions have ended since, because the password may be another one
 */
async function lockChecked(client: PoolClient, { id, session_version }: Holder): Promise<void> {
	const { rowCount } = await client.query(
		"SELECT FROM users WHERE id = $1 AND session_version = $2 AND is_active FOR UPDATE",
		[id, session_version],
	);
	if (rowCount === 0) {
		throw problem("TOKEN_INVALID");
	}
}

async function lockOwner(
	client: PoolClient,
	purpose: "verify" | "reset" | "change",
	token: string,
): Promise<Credentials> {
	const { rows } = await client.query<Credentials>(
		"SELECT * FROM users WHERE id = $1 AND is_active FOR UPDATE",
		[ownerOfMailToken(purpose, token)],
	);
	const [owner] = rows;
	if (!owner || !isMailTokenOf(purpose, token, owner)) {
		throw problem("MAIL_TOKEN_INVALID");
	}
	return owner;
}

type Privileges = Partial<Pick<UserAttributes, "role" | "is_active">>;

/**
 * Changes a user's role or active state. Sessions and access tokens from before become invalid.
 *
 * @throws USER_NOT_FOUND, LAST_ADMIN
 */
export async function changePrivileges(
	service: PostgresService,
	id: number,
	privileges: Privileges,
): Promise<void> {
	await endingSessions(service, async (client, endSessions) => {
		const user = await lockUser(client, id, privileges.role === "user" || privileges.is_active === false);
		const { role = user.role, is_active = user.is_active } = privileges;
		if (role === user.role && is_active === user.is_active) {
			return;
		}
		await client.query("UPDATE users SET role = $2, is_active = $3, updated_at = now() WHERE id = $1", [
			id,
			role,
			is_active,
		]);
		await endSessions(id);
	});
}

/**
 * Deletes a user: erases name, address, phone and password, ends all sessions and publishes the event. The row and its
 * id remain, because orders refer to them. A trigger erases the address book (functions/erase_addresses.sql).
 *
 * @param key_id Id of the request, if it has an idempotency key: its repetition succeeds too.
 * @throws USER_NOT_FOUND, LAST_ADMIN
 */
export async function removeUser(
	service: PostgresService,
	id: number,
	key_id: string | undefined,
): Promise<void> {
	await endingSessions(service, async (client, endSessions) => {
		const repeated = await client.query("SELECT FROM users WHERE id = $1 AND deleted_by = $2", [id, key_id]);
		if (repeated.rowCount === 1) {
			return;
		}
		await lockUser(client, id, true);
		await client.query(
			`UPDATE users SET email = 'deleted-' || gen_random_uuid() || '@deleted.invalid', username = 'deleted ' || id,
				full_name = '', password_hash = '', phone = NULL, pending_email = NULL, role = 'user', is_active = false,
				is_verified = false, updated_at = now(), deleted_at = now(), registered_by = NULL, deleted_by = $2
			WHERE id = $1`,
			[id, key_id],
		);
		await client.query("DELETE FROM former_emails WHERE user_id = $1", [id]);
		await endSessions(id);
		await recordEvent(client, "user.deleted", id);
		await planErasure(client, id);
	});
}

/**
 * Locks a user. If the change may remove an admin, locks all admins as well, so that the last two cannot be removed
 * concurrently.
 */
async function lockUser(client: PoolClient, id: number, losesAdmin: boolean): Promise<UserAttributes> {
	const { rows } = await client.query<UserAttributes>(
		`SELECT * FROM users WHERE deleted_at IS NULL AND (id = $1 OR ($2 AND role = 'admin' AND is_active))
		ORDER BY id FOR UPDATE`,
		[id, losesAdmin],
	);
	const user = rows.find((row) => row.id === id);
	if (!user) {
		throw problem("USER_NOT_FOUND");
	}
	const isAdmin = ({ role, is_active }: UserAttributes) => role === "admin" && is_active;
	if (losesAdmin && isAdmin(user) && rows.filter(isAdmin).length === 1) {
		throw problem("LAST_ADMIN");
	}
	return user;
}
