import type { Pool } from "pg";
import { type ActionContext, callAction, type EventEnvelope, implement } from "../../contracts/actions.ts";
import { notifications } from "../../contracts/notifications.ts";
import { problem } from "../../contracts/problems.ts";
import { listDeadLetters, retryDeadLetter } from "../../mixins/dead-letters.ts";
import { type InboxService, inbox, inboxTables } from "../../mixins/inbox.ts";
import { jobs, pendingJobs } from "../../mixins/jobs.ts";
import { postgres } from "../../mixins/postgres.ts";
import { service } from "../../mixins/schema.ts";
import { createMailer, type Mailer } from "./mailer.ts";
import { MESSAGES, type Message } from "./messages.ts";
import {
	address,
	findUnsent,
	listNotifications,
	markSent,
	noteFailure,
	present,
	queueNotification,
} from "./model.ts";

interface NotificationsService extends InboxService {
	send_mail: Mailer;
	send(id: string): Promise<void>;
}

export default service<NotificationsService>({
	name: notifications.name,
	version: notifications.version,
	mixins: [
		inbox<NotificationsService>(
			"notifications",
			Object.fromEntries(
				Object.entries(MESSAGES).map(([name, { type }]) => [
					name,
					(event: EventEnvelope, client: Pool) => queueNotification(client, event, type),
				]),
			),
		),
		jobs("notifications"),
		postgres({
			database: "notifications",
			migrations: new URL("./migrations/", import.meta.url),
			tables: [inboxTables],
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
		this.send_mail = createMailer();
		this.addTasks({ send_message: (payload) => this.send((payload as { id: string }).id) });
	},

	methods: {
		/** Writes a message and sends it; a job repeats this until it is done. */
		async send(this: NotificationsService, id: string) {
			const row = await findUnsent(this.pool, id);
			if (!row?.data) {
				return;
			}
			try {
				const contact = await callAction(this.broker, "v1.users.contact", { id: row.user_id });
				const { write } = MESSAGES[row.data.name as keyof typeof MESSAGES];
				const { subject, body } = (write as Write)(contact.full_name, row.data.data);
				await address(this.pool, id, contact.email, subject);
				await this.send_mail({ to: contact.email, subject, text: body, messageId: `<${id}@toko>` });
			} catch (error) {
				await noteFailure(this.pool, id, (error as Error).message);
				throw error;
			}
			await markSent(this.pool, id);
		},
	},
});

type Write = (name: string, data: unknown) => Message;

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
