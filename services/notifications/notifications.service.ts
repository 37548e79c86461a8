import { type ActionContext, callAction, type EventEnvelope, implement } from "../../contracts/actions.ts";
import { notifications } from "../../contracts/notifications.ts";
import { problem } from "../../contracts/problems.ts";
import { inbox } from "../../mixins/events.ts";
import { type JobsService, jobs, pendingJobs } from "../../mixins/jobs.ts";
import { postgres } from "../../mixins/postgres.ts";
import { service } from "../../mixins/schema.ts";
import { createMailer, type Mailer } from "./mailer.ts";
import { MESSAGES, type Message } from "./messages.ts";
import { listNotifications, markSent, noteFailure, present, queueNotification, unsent } from "./model.ts";

interface NotificationsService extends JobsService {
	send_mail: Mailer;
	notify(event: EventEnvelope): Promise<void>;
}

export default service<NotificationsService>({
	name: notifications.name,
	version: notifications.version,
	mixins: [
		inbox<NotificationsService>(
			"notifications",
			Object.fromEntries(Object.keys(MESSAGES).map((name) => [name, notifyByJob])),
		),
		jobs("notifications"),
		postgres({ database: "notifications", migrations: new URL("./migrations/", import.meta.url) }),
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
		this.addTasks({ notify: (payload) => this.notify(payload as EventEnvelope) });
	},

	methods: {
		/** Notes the message of an event down, then sends it; a job repeats this until it is done. */
		async notify(this: NotificationsService, event: EventEnvelope) {
			const { user_id } = event.data;
			const contact = await callAction(this.broker, "v1.users.contact", { id: user_id });
			const write = MESSAGES[event.name as keyof typeof MESSAGES] as (name: string, data: unknown) => Message;
			await queueNotification(this.pool, {
				event_id: event.id,
				user_id,
				recipient: contact.email,
				...write(contact.full_name, event.data),
			});
			for (const { id, recipient, subject, body } of await unsent(this.pool, event.id)) {
				try {
					await this.send_mail({ to: recipient, subject, text: body, messageId: `<${id}@toko>` });
				} catch (error) {
					await noteFailure(this.pool, id, (error as Error).message);
					throw error;
				}
				await markSent(this.pool, id);
			}
		},
	},
});

/** The transaction that takes an event in also adds the job that acts on it. */
async function notifyByJob(
	this: NotificationsService,
	event: EventEnvelope,
	client: { query(sql: string, values: unknown[]): Promise<unknown> },
) {
	await client.query(
		"SELECT graphile_worker.add_job('notify', $1::json, max_attempts => 32767, job_key => $2)",
		[JSON.stringify(event), `notify:${event.id}`],
	);
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
