import type { Pool } from "pg";
import { type ActionContext, callAction, type EventEnvelope, implement } from "../../contracts/actions.ts";
import { notifications } from "../../contracts/notifications.ts";
import { problem, problemCode } from "../../contracts/problems.ts";
import { cursorAt, momentKey, readMoment } from "../../mixins/cursor.ts";
import { listDeadLetters, retryDeadLetter } from "../../mixins/dead-letters.ts";
import { type InboxService, inbox, inboxTables, newestTakenIn } from "../../mixins/inbox.ts";
import { jobs, pendingJobs } from "../../mixins/jobs.ts";
import { postgres } from "../../mixins/postgres.ts";
import { mixin, service } from "../../mixins/schema.ts";
import { Refused } from "./channel.ts";
import { MESSAGES, type Message } from "./messages.ts";
import {
	address,
	askForText,
	countFailed,
	findUnsent,
	forget,
	listNotifications,
	type NotificationRow,
	noteFailure,
	present,
	queueMail,
	queueText,
	requeue,
	requeueFailed,
} from "./model.ts";
import { hasChannel, Sender } from "./sender.ts";
import { Templates } from "./templates.ts";

interface NotificationsService extends InboxService {
	sender: Sender;
	templates: Templates;
	send(id: string): Promise<void>;
	deliver(row: NotificationRow): Promise<void>;
}

/** A message that could not be sent for so long since it was queued never will be by itself. */
const GIVE_UP_MS = 5 * 24 * 3600 * 1000;

const queueMails = Object.fromEntries(
	Object.entries(MESSAGES).map(([name, { type }]) => [
		name,
		async function (this: NotificationsService, event: EventEnvelope, client: Pool) {
			await queueMail(client, event, type);
			if (hasChannel("sms") && this.templates.hasText(event.name)) {
				await askForText(client, event, type);
			}
		},
	]),
);

/** Ready before the first event and the first job, and there until after the last. */
const messaging = mixin<NotificationsService>({
	created() {
		this.templates = new Templates();
	},
	async started() {
		await this.templates.load();
		this.sender = new Sender((pid) =>
			this.logger.warn(
				`The process that sends messages (${pid}) does not answer: another one takes its place`,
			),
		);
	},
	async stopped() {
		await this.sender.close();
	},
});

export default service<NotificationsService>({
	name: notifications.name,
	version: notifications.version,
	mixins: [
		inbox<NotificationsService>("notifications", {
			...queueMails,
			"user.deleted": (event, client) => forget(client, event.data.user_id),
		}),
		// Many, since most of them wait for a server; text messages wait for theirs apart.
		jobs("notifications", {
			concurrency: 12,
			lanes: [{ tasks: ["queue_text", "send_sms"], concurrency: 4 }],
		}),
		postgres({
			database: "notifications",
			migrations: new URL("./migrations/", import.meta.url),
			tables: [inboxTables],
			amounts:
				"SELECT data->'data'->>'currency' AS currency FROM notifications WHERE starts_with(aggregate, 'order:') LIMIT 1",
			// For every job and every event that is taken in at the same moment.
			connections: 24,
		}),
		messaging,
	],

	actions: implement<NotificationsService>()(notifications, {
		async list(ctx) {
			const owner = ownerOf(ctx);
			const { skip, limit, cursor } = ctx.params;
			const after = cursor === undefined ? undefined : readMoment("notifications", cursor);
			const rows = await listNotifications(this.pool, owner, { skip, limit, after });
			const last = rows[limit - 1];
			ctx.meta.$next = last && cursorAt("notifications", momentKey(last));
			return rows.map((row) => present(row, owner === null));
		},

		async get(ctx) {
			const owner = ownerOf(ctx);
			const [row] = await listNotifications(this.pool, owner, { id: ctx.params.id });
			if (!row) {
				throw problem("NOTIFICATION_NOT_FOUND");
			}
			return present(row, owner === null);
		},

		async retry(ctx) {
			const { id } = ctx.params;
			const [row] = await listNotifications(this.pool, null, { id });
			if (!row) {
				throw problem("NOTIFICATION_NOT_FOUND");
			}
			if (!(await requeue(this.pool, row.id))) {
				throw row.status === "failed"
					? problem("USER_NOT_FOUND")
					: problem("NOTIFICATION_NOT_FAILED", { status: row.status });
			}
			const [queued] = await listNotifications(this.pool, null, { id });
			return present(queued as typeof row, true);
		},

		failed() {
			return countFailed(this.pool);
		},

		retryFailed(ctx) {
			return requeueFailed(this.pool, ctx.params);
		},

		deadLetters(ctx) {
			return listDeadLetters(this.pool, ctx.params);
		},

		retryDeadLetter(ctx) {
			return retryDeadLetter(this, ctx.params.id);
		},

		takenIn(ctx) {
			return newestTakenIn(this.pool, ctx.params.of);
		},

		outbox() {
			return pendingJobs(this.pool);
		},

		async health() {
			await this.pool.query("SELECT 1");
			if (!this.sender.isAnswering) {
				throw problem("MESSAGES_NOT_SENT");
			}
			this.checkInbox();
			return { status: "healthy", service: "notification-service" };
		},
	}),

	created() {
		const send = (payload: unknown) => this.send((payload as { id: string }).id);
		this.addTasks({
			send_email: send,
			send_sms: send,
			queue_text: async (payload) => {
				const { event, type } = payload as { event: EventEnvelope; type: string };
				const { phone } = await callAction(this.broker, "v1.users.contact", { id: event.data.user_id }).catch(
					(error) => {
						if (problemCode(error) === "USER_NOT_FOUND") {
							return { phone: null };
						}
						throw error;
					},
				);
				if (phone) {
					await queueText(this.pool, event, type);
				}
			},
		});
	},

	methods: {
		/** Sends a message and notes what became of it; a job repeats this until it is done. */
		async send(this: NotificationsService, id: string) {
			const row = await findUnsent(this.pool, id);
			if (!row) {
				return;
			}
			try {
				await this.deliver(row);
			} catch (error) {
				const reason = withoutAddresses((error as Error).message);
				const outcome = outcomeOf(row, error as Error);
				await noteFailure(this.pool, id, reason, outcome);
				if (outcome !== "again") {
					return;
				}
				throw new Error(reason);
			}
		},

		/** Writes a message to where the user is now, a warning to where the user was. Tokens are made for it and kept nowhere. */
		async deliver(this: NotificationsService, { id, user_id, channel, data: event }: NotificationRow) {
			const { name, data, occurred_at } = event as EventEnvelope;
			const { token_for, warns } = MESSAGES[name as keyof typeof MESSAGES] as Message;
			const at = warns && occurred_at;
			const contact = await callAction(this.broker, "v1.users.contact", { id: user_id, token_for, at });
			const to = channel === "sms" ? contact.phone : contact.email;
			if (!to || !hasChannel(channel)) {
				throw new Refused(to ? `there is no way to send an ${channel}` : "the user has no phone any more");
			}
			const { locale, token, full_name, is_verified } = contact;
			const reader = { name: full_name, is_verified, locale, token };
			const written = await this.templates.write(channel, name, reader, { ...data, occurred_at });
			await address(this.pool, id, to, written.subject ?? null);
			await this.sender.send(channel, { ...written, id, to });
		},
	},
});

/** What becomes of a message after a try that failed. */
function outcomeOf({ history, created_at }: NotificationRow, error: Error): "again" | "final" | "gone" {
	if (problemCode(error) === "USER_NOT_FOUND") {
		return "gone";
	}
	const queued_at = history.findLast(({ status }) => status === "queued")?.at ?? created_at;
	return error instanceof Refused || Date.now() - Date.parse(queued_at) > GIVE_UP_MS ? "final" : "again";
}

/** What servers say of a recipient goes into rows and logs, where the recipient's address has no place. */
function withoutAddresses(reason: string): string {
	return reason.replace(/[^\s<>"'(),:;]+@[^\s<>"'(),:;]+/g, "<address>");
}

/** Whose messages the caller may see: an admin everybody's (null), a user only the own. */
function ownerOf(ctx: ActionContext): number | null {
	const { caller } = ctx.locals;
	if (caller?.role === "admin" || caller?.role === "service") {
		return null;
	}
	if (caller?.id == null) {
		throw problem("FORBIDDEN");
	}
	return caller.id;
}
