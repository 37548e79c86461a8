import type { Pool } from "pg";
import { type ActionContext, callAction, type EventEnvelope, implement } from "../../contracts/actions.ts";
import { notifications } from "../../contracts/notifications.ts";
import { problem, problemCode } from "../../contracts/problems.ts";
import { listDeadLetters, retryDeadLetter } from "../../mixins/dead-letters.ts";
import { type InboxService, inbox, inboxTables } from "../../mixins/inbox.ts";
import { jobs, pendingJobs } from "../../mixins/jobs.ts";
import { postgres } from "../../mixins/postgres.ts";
import { service } from "../../mixins/schema.ts";
import { createMailer, type Mailer, Refused } from "./mailer.ts";
import { MESSAGES } from "./messages.ts";
import {
	address,
	findUnsent,
	listNotifications,
	markSent,
	noteFailure,
	present,
	queueNotification,
	requeue,
} from "./model.ts";
import { Templates } from "./templates.ts";

interface NotificationsService extends InboxService {
	mailer: Mailer;
	templates: Templates;
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
		// Many, since most of them wait for a mail server.
		jobs("notifications", { concurrency: 16 }),
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

		async retry(ctx) {
			const { id } = ctx.params;
			const [row] = await listNotifications(this.pool, null, { id });
			if (!row) {
				throw problem("NOTIFICATION_NOT_FOUND");
			}
			if (!(await requeue(this.pool, row.id))) {
				throw problem("NOTIFICATION_NOT_FAILED", { status: row.status });
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
		this.mailer = createMailer();
		this.templates = new Templates();
		this.addTasks({ send_message: (payload) => this.send((payload as { id: string }).id) });
	},

	async started() {
		await this.templates.load();
	},

	async stopped() {
		this.mailer.close();
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
				const written = await this.templates.write(
					row.data.name,
					contact.locale,
					contact.full_name,
					row.data.data,
				);
				await address(this.pool, id, contact.email, written.subject);
				await this.mailer.send({ to: contact.email, ...written, messageId: `<${id}@toko>` });
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
