import type { Pool, PoolClient } from "pg";
import type { EventName } from "../../contracts/actions.ts";
import { problem } from "../../contracts/problems.ts";
import { publish } from "../../mixins/outbox.ts";
import type { PostgresService } from "../../mixins/postgres.ts";
import { isMailTokenOf, ownerOfMailToken } from "./mail-tokens.ts";
import type { UserAttributes } from "./model.ts";
import { hashPassword } from "./passwords.ts";

/** Events by which a user gets a mail with a link. */
export type MailRequest = Extract<EventName, "user.verification_requested" | "user.password_reset_requested">;

/** A user gets one such mail in this time, however often it is asked for. */
const MAIL_AGAIN_SECONDS = 60;

/**
 * Notes that somebody asked for a mail to this address. Whether it is anybody's is looked up later, by a job, so that
 * nobody learns it from the answer or the clock.
 */
export async function askForMail(pool: Pool, event: MailRequest, email: string): Promise<void> {
	await pool.query(
		`SELECT graphile_worker.add_job(
			'request_mail', json_build_object('event', $1::text, 'email', $2::text),
			max_attempts => 32767, job_key => 'mail:' || $1 || ':' || lower($2)
		)`,
		[event, email],
	);
}

/** Job: has the mail sent, where the address is that of a user who may have it. */
export async function requestMail(
	service: PostgresService,
	event: MailRequest,
	email: string,
): Promise<void> {
	await service.transaction(async (client) => {
		const { rows } = await client.query<UserAttributes>(
			"SELECT * FROM users WHERE lower(email) = lower($1) AND is_active FOR UPDATE",
			[email],
		);
		const [user] = rows;
		const isInVain = event === "user.verification_requested" && user?.is_verified;
		if (user && !isInVain && !(await hasHappenedLately(client, event, user.id))) {
			await happen(client, event, user.id);
		}
	});
}

async function hasHappenedLately(client: PoolClient, event: MailRequest, user_id: number): Promise<boolean> {
	const { rowCount } = await client.query(
		"SELECT 1 FROM user_history WHERE user_id = $1 AND event = $2 AND at > now() - make_interval(secs => $3) LIMIT 1",
		[user_id, event, MAIL_AGAIN_SECONDS],
	);
	return rowCount === 1;
}

/**
 * The owner of this token has read a mail to the address: it is verified. A second time changes nothing.
 *
 * @throws MAIL_TOKEN_INVALID
 */
export async function verifyEmail(service: PostgresService, token: string): Promise<void> {
	await service.transaction(async (client) => {
		const { id } = await lockOwner(client, "verify", token);
		await client.query(
			"UPDATE users SET is_verified = true, updated_at = now() WHERE id = $1 AND NOT is_verified",
			[id],
		);
	});
}

/**
 * Sets a new password and ends all sessions; the token is used up, since it counts for the old password only.
 *
 * @throws MAIL_TOKEN_INVALID
 */
export async function resetPassword(
	service: PostgresService,
	token: string,
	password: string,
): Promise<void> {
	// Nothing is hashed for a token that is none.
	await service.transaction((client) => lockOwner(client, "reset", token));
	const password_hash = await hashPassword(password);
	await service.transaction(async (client) => {
		const { id } = await lockOwner(client, "reset", token);
		await client.query(
			"UPDATE users SET password_hash = $2, is_verified = true, updated_at = now() WHERE id = $1",
			[id, password_hash],
		);
		await client.query("DELETE FROM refresh_tokens WHERE user_id = $1", [id]);
	});
}

async function lockOwner(
	client: PoolClient,
	purpose: "verify" | "reset",
	token: string,
): Promise<UserAttributes> {
	const { rows } = await client.query<UserAttributes>(
		"SELECT * FROM users WHERE id = $1 AND is_active FOR UPDATE",
		[ownerOfMailToken(purpose, token)],
	);
	const [owner] = rows;
	if (!owner || !isMailTokenOf(purpose, token, owner)) {
		throw problem("MAIL_TOKEN_INVALID");
	}
	return owner;
}

/**
 * Deletes a person: name, address, phone and password go, sessions end, and other services are told. The row and its id
 * stay for the orders.
 *
 * @throws USER_NOT_FOUND, LAST_ADMIN
 */
export async function removeUser(service: PostgresService, id: number): Promise<void> {
	await service.transaction(async (client) => {
		// All admins, so that two of them cannot delete each other at the same moment.
		const { rows } = await client.query<Pick<UserAttributes, "id" | "role">>(
			"SELECT id, role FROM users WHERE (id = $1 OR role = 'admin') AND deleted_at IS NULL ORDER BY id FOR UPDATE",
			[id],
		);
		const user = rows.find((row) => row.id === id);
		if (!user) {
			throw problem("USER_NOT_FOUND");
		}
		if (user.role === "admin" && rows.filter(({ role }) => role === "admin").length === 1) {
			throw problem("LAST_ADMIN");
		}
		await client.query(
			`UPDATE users SET email = 'deleted-' || gen_random_uuid() || '@deleted.invalid', username = 'deleted ' || id, full_name = '',
				password_hash = '', phone = NULL, role = 'user', is_active = false, is_verified = false,
				updated_at = now(), deleted_at = now()
			WHERE id = $1`,
			[id],
		);
		await client.query("DELETE FROM refresh_tokens WHERE user_id = $1", [id]);
		await happen(client, "user.deleted", id);
		await client.query(
			"SELECT graphile_worker.add_job('forget_orders', json_build_object('user_id', $1::integer), max_attempts => 32767)",
			[id],
		);
	});
}

async function happen(client: PoolClient, event: MailRequest | "user.deleted", id: number): Promise<void> {
	await client.query("INSERT INTO user_history (user_id, event) VALUES ($1, $2)", [id, event]);
	await publish(client, event, `user:${id}`, { user_id: id });
}
