import type { Pool, PoolClient } from "pg";
import type { EventName } from "../../contracts/actions.ts";
import type { PostgresService } from "../../database/postgres-service.ts";
import { publish } from "../../mixins/outbox.ts";
import { activeRequest } from "../../observability/log-context.ts";
import { activeTraceparent } from "../../observability/tracing.ts";
import type { UserAttributes } from "./model.ts";

/** Events by which a user gets a mail on request. */
export type MailRequest = Extract<EventName, `user.${string}_${"requested" | "announced"}`>;

/** Minimum interval between two mails of the same kind to a user, however often they are requested. */
export const MAIL_AGAIN_SECONDS = 60;

/**
 * Queues a request for a mail to this address. A job looks up later whether it belongs to a user, so that neither the
 * response nor its timing reveals it.
 */
export async function queueMailRequest(pool: Pool, event: MailRequest, email: string): Promise<void> {
	await pool.query(
		`SELECT graphile_worker.add_job(
			'request_mail', json_build_object(
				'event', $1::text, 'email', $2::text, 'traceparent', $3::text, 'request_id', $4::text
			),
			max_attempts => 32767, job_key => 'mail:' || $1 || ':' || fold($2)
		)`,
		[event, email, activeTraceparent() ?? null, activeRequest() ?? null],
	);
}

/** Job: requests the mail, if the address belongs to a user who may get it. */
export async function requestMail(
	service: PostgresService,
	event: MailRequest,
	email: string,
): Promise<void> {
	await service.transaction(async (client) => {
		const { rows } = await client.query<UserAttributes>(
			"SELECT * FROM users WHERE fold(email) = fold($1) AND is_active FOR UPDATE",
			[email],
		);
		const [user] = rows;
		const isUnneeded = event === "user.verification_requested" && user?.is_verified;
		if (user && !isUnneeded) {
			await requestMailOnce(client, event, user.id);
		}
	});
}

/**
 * Requests the mail, unless the user was sent one recently. The transaction must have locked the user. Returns true if
 * requested.
 */
export async function requestMailOnce(
	client: PoolClient,
	event: MailRequest,
	user_id: number,
): Promise<boolean> {
	const { rowCount } = await client.query(
		"SELECT 1 FROM user_history WHERE user_id = $1 AND event = $2 AND at > now() - make_interval(secs => $3) LIMIT 1",
		[user_id, event, MAIL_AGAIN_SECONDS],
	);
	if (rowCount !== 0) {
		return false;
	}
	await recordEvent(client, event, user_id);
	return true;
}

/** Records an event in the user's history and publishes it. */
export async function recordEvent(
	client: PoolClient,
	event: MailRequest | "user.email_changed" | "user.password_changed" | "user.deleted",
	user_id: number,
): Promise<void> {
	await client.query("INSERT INTO user_history (user_id, event) VALUES ($1, $2)", [user_id, event]);
	await publish(client, event, `user:${user_id}`, { user_id });
}
