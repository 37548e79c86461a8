import type { Pool } from "pg";
import { type ActionContext, callAction, type EventEnvelope, implement } from "../../contracts/actions.ts";
import { notifications } from "../../contracts/notifications.ts";
import { problem, problemCode } from "../../contracts/problems.ts";
import { listDeadLetters, retryDeadLetter } from "../../mixins/dead-letters.ts";
import { type InboxService, inbox, inboxTables } from "../../mixins/inbox.ts";
import { jobs, pendingJobs } from "../../mixins/jobs.ts";
import { postgres } from "../../mixins/postgres.ts";
import { service } from "../../mixins/schema.ts";
import { Refused } from "./channel.ts";
import { type Channels, openChannels } from "./channels.ts";
import { MESSAGES, type TokenPurpose } from "./messages.ts";
import {
	address,
	findUnsent,
	forget,
	listNotifications,
	markSent,
	type NotificationRow,
	noteFailure,
	present,
	queueMail,
	queueText,
	requeue,
} from "./model.ts";
import { Templates } from "./templates.ts";

interface NotificationsService extends InboxService {
	channels: Channels;
	templates: Templates;
	send(id: string): Promise<void>;
	deliver(row: NotificationRow): Promise<void>;
}

const queueMails = Object.fromEntries(
	Object.entries(MESSAGES).map(([name, { type }]) => [
		name,
		(event: EventEnvelope, client: Pool) => queueMail(client, event, type),
	]),
);

export default service<NotificationsService>({
	name: notifications.name,
	version: notifications.version,
	mixins: [
		inbox<NotificationsService>("notifications", {
			...queueMails,
			"user.deleted": (event, client) => forget(client, event.data.user_id),
		}),
		// Many, since most of them wait for a server; text messages wait for theirs apart.
		jobs("notifications", { concurrency: 12, lanes: { send_sms: 4 } }),
		postgres({
			database: "notifications",
			migrations: new URL("./migrations/", import.meta.url),
			tables: [inboxTables],
			// For every job and every event that is taken in at the same moment.
			connections: 32,
		}),
	],

	actions: implement<NotificationsService>()(notifications, {
		async list(ctx) {
			const owner = ownerOf(ctx);
			const rows = await listNotifications(this.pool, owner, ctx.params);
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

		deadLetters(ctx) {
			return listDeadLetters(this.pool, ctx.params);
		},

		retryDeadLetter(ctx) {
			return retryDeadLetter(this, ctx.params.id);
		},

		outbox() {
			return pendingJobs(this.pool);
		},

		async health() {
			await this.pool.query("SELECT 1");
			return { status: "healthy", service: "notification-service" };
		},
	}),

	created() {
		this.channels = openChannels();
		this.templates = new Templates();
		const send = (payload: unknown) => this.send((payload as { id: string }).id);
		this.addTasks({ send_email: send, send_sms: send });
	},

	async started() {
		await this.templates.load();
	},

	async stopped() {
		for (const channel of Object.values(this.channels)) {
			channel.close();
		}
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
				const isFinal = error instanceof Refused || problemCode(error) === "USER_NOT_FOUND";
				await noteFailure(this.pool, id, (error as Error).message, isFinal);
				if (isFinal) {
					return;
				}
				throw error;
			}
			await markSent(this.pool, id);
		},

		/** Writes a message to whoever the recipient is now. Tokens are made for it and kept nowhere. */
		async deliver(this: NotificationsService, { id, user_id, channel, data: event }: NotificationRow) {
			const { name, data } = event as EventEnvelope;
			const { token_for } = MESSAGES[name as keyof typeof MESSAGES] as { token_for?: TokenPurpose };
			const contact = await callAction(this.broker, "v1.users.contact", { id: user_id, token_for });
			if (channel === "email" && contact.phone && this.channels.sms && this.templates.hasText(name)) {
				await queueText(this.pool, id);
			}
			const to = channel === "sms" ? contact.phone : contact.email;
			const way = this.channels[channel];
			if (!to || !way) {
				throw new Refused(to ? `there is no way to send an ${channel}` : "the user has no phone any more");
			}
			const { locale, token, full_name } = contact;
			const written = await this.templates.write(channel, name, { name: full_name, locale, token }, data);
			await address(this.pool, id, to, written.subject ?? null);
			await way.send({ ...written, id, to });
		},
	},
});

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
