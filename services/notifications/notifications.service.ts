import { ownerOf } from "../../broker/caller.ts";
import { mixin, service } from "../../broker/schema.ts";
import { type EventEnvelope, implement } from "../../contracts/actions.ts";
import { notifications, READS_DETAILS } from "../../contracts/notifications.ts";
import { problem } from "../../contracts/problems.ts";
import { cursorAt, momentKey, readMoment } from "../../database/page-cursor.ts";
import type { PostgresService } from "../../database/postgres-service.ts";
import { listDeadLetters, retryDeadLetter } from "../../events/dead-letters.ts";
import { newestProcessed, pruneGaps, prunePositions } from "../../events/inbox-rows.ts";
import { type InboxService, inbox, inboxFunctions, inboxTables } from "../../mixins/inbox.ts";
import { postgres } from "../../mixins/postgres.ts";
import { pruning } from "../../mixins/pruning.ts";
import { announceMetrics } from "../../observability/targets.ts";
import type { ChannelName } from "./channel.ts";
import { DeliveryProcess, hasChannel } from "./delivery.ts";
import { Dispatcher } from "./dispatcher.ts";
import { MESSAGES } from "./messages.ts";
import {
	countFailed,
	eraseUser,
	listNotifications,
	pendingMessages,
	present,
	pruneMessages,
	requeue,
	requeueFailed,
} from "./model.ts";
import { enqueue } from "./queue.ts";
import { Templates } from "./templates.ts";

interface NotificationsService extends InboxService {
	dispatcher: Dispatcher;
	delivery: DeliveryProcess;
	templates: Templates;
	/** Returns the channels of an event's message. */
	channelsOf(event: EventEnvelope): ChannelName[];
}

/** Queues the mails of events, and their text messages if there are templates and the user may have a phone. */
async function queueMessages(
	this: NotificationsService,
	events: EventEnvelope[],
	client: Parameters<typeof enqueue>[0],
): Promise<void> {
	const due = events.flatMap((event) =>
		this.channelsOf(event).map((channel) => ({
			...{ event, channel, is_tentative: channel === "sms" },
			type: MESSAGES[event.name as keyof typeof MESSAGES].type,
		})),
	);
	await enqueue(client, due);
}

const consumers = Object.fromEntries(Object.keys(MESSAGES).map((name) => [name, queueMessages]));

/** Started before the first event and the first message, and stopped after the last. */
const messaging = mixin<NotificationsService>({
	created() {
		this.templates = new Templates();
	},
	async started() {
		await this.templates.load();
		this.delivery = new DeliveryProcess(
			(line) => this.logger.warn(line),
			(port) => void announceMetrics(this.broker, "delivery-worker", port),
		);
	},
	async stopped() {
		await this.delivery?.close();
	},
});

/** Started after the database, and stopped before it. */
const dispatching = mixin<NotificationsService & PostgresService>({
	started() {
		this.dispatcher = new Dispatcher(this);
		this.dispatcher.start();
	},
	async stopped() {
		await this.dispatcher?.stop();
	},
});

export default service<NotificationsService>({
	name: notifications.name,
	version: notifications.version,
	metadata: { [READS_DETAILS]: true },
	mixins: [
		inbox<NotificationsService>(
			"notifications",
			{
				...consumers,
				// From a users process of an earlier version, which does not have `forgetUser` called here.
				"user.deleted": (events, client) =>
					eraseUser(
						client,
						events.map(({ data }) => data.user_id),
					),
			},
			function (events) {
				this.dispatcher.wake(new Set(events.flatMap((event) => this.channelsOf(event))));
			},
		),
		dispatching,
		pruning(prunePositions, pruneGaps, pruneMessages),
		postgres({
			database: "notifications",
			migrations: new URL("./migrations/", import.meta.url),
			functions: [inboxFunctions],
			tables: inboxTables,
			amounts:
				"SELECT data->'data'->>'currency' AS currency FROM notifications WHERE starts_with(aggregate, 'order:') LIMIT 1",
			// For the batches, and for events that are handled alone at the same time.
			connections: 20,
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
			return {
				items: rows.map((row) => present(row, owner === "anybody")),
				next: last ? cursorAt("notifications", momentKey(last)) : null,
			};
		},

		async get(ctx) {
			const owner = ownerOf(ctx);
			const [row] = await listNotifications(this.pool, owner, { id: ctx.params.id });
			if (!row) {
				throw problem("NOTIFICATION_NOT_FOUND");
			}
			return present(row, owner === "anybody");
		},

		async retry(ctx) {
			const { id } = ctx.params;
			const [row] = await listNotifications(this.pool, "anybody", { id });
			if (!row) {
				throw problem("NOTIFICATION_NOT_FOUND");
			}
			if (!(await requeue(this.pool, row.id))) {
				throw row.status === "failed"
					? problem("USER_NOT_FOUND")
					: problem("NOTIFICATION_NOT_FAILED", { status: row.status });
			}
			this.dispatcher.wake();
			const [queued] = await listNotifications(this.pool, "anybody", { id });
			return present(queued as typeof row, true);
		},

		failed() {
			return countFailed(this.pool);
		},

		async retryFailed(ctx) {
			const requeued = await requeueFailed(this.pool, ctx.params);
			this.dispatcher.wake();
			return requeued;
		},

		deadLetters(ctx) {
			return listDeadLetters(this.pool, ctx.params);
		},

		retryDeadLetter(ctx) {
			return retryDeadLetter(this, ctx.params.id);
		},

		takenIn(ctx) {
			return newestProcessed(this.pool, ctx.params.of);
		},

		async forgetUser(ctx) {
			await eraseUser(this.pool, [ctx.params.user_id]);
			return null;
		},

		outbox() {
			return pendingMessages(this.pool);
		},

		async health() {
			await this.pool.query("SELECT 1");
			if (!this.delivery.isResponsive) {
				throw problem("MESSAGES_NOT_SENT");
			}
			this.checkInbox();
			return { status: "healthy", service: "notification-service" };
		},
	}),

	methods: {
		channelsOf(this: NotificationsService, { name }: EventEnvelope): ChannelName[] {
			if (!(name in MESSAGES)) {
				return [];
			}
			return hasChannel("sms") && this.templates.hasText(name) ? ["email", "sms"] : ["email"];
		},
	},
});
