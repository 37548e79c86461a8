import { service } from "../../broker/schema.ts";
import { type ActionContext, callAction, implement } from "../../contracts/actions.ts";
import { orders } from "../../contracts/orders.ts";
import { problem } from "../../contracts/problems.ts";
import { cursorAt, momentKey, readMoment } from "../../database/page-cursor.ts";
import { consistentWithOthers, eventsKnown, lostEventTables, streamKnown } from "../../mixins/consistency.ts";
import { jobs } from "../../mixins/jobs.ts";
import {
	type OutboxService,
	outbox,
	outboxFunctions,
	outboxTables,
	pendingWork,
} from "../../mixins/outbox.ts";
import { postgres } from "../../mixins/postgres.ts";
import { pruneAll, pruning } from "../../mixins/pruning.ts";
import { sweeps } from "../../mixins/sweeps.ts";
import { eraseDeletedUsers, eraseUser } from "./erasure.ts";
import { findOrder, isUuid, listOrders, newestUsers, type Owner, present } from "./model.ts";
import {
	checkDuePayments,
	type PayingService,
	payOrder,
	presentPayment,
	refundPayment,
	restockOrder,
	settledRestocks,
	takeProviderEvent,
} from "./payments.ts";
import { placeOrder } from "./place.ts";
import { pruneKeys, pruneProviderEvents, pruneReservations } from "./prune.ts";
import { pendingHeld, pendingOrders, salesConsistent, settleReservations } from "./reservations.ts";
import { sandboxProvider } from "./sandbox.ts";
import { orderStatements } from "./statements.ts";
import { expireOrders, refundOrder, transitionOrder } from "./transitions.ts";
import { readWebhook } from "./webhook.ts";

type OrdersService = PayingService & OutboxService;

export default service<OrdersService>({
	name: orders.name,
	version: orders.version,
	mixins: [
		sweeps<OrdersService>([
			{
				name: "expire orders",
				every_ms: 1000,
				work: async function () {
					return expireOrders(this);
				},
			},
			{
				name: "cancel overdue payments",
				every_ms: 1000,
				work: async function () {
					return checkDuePayments(this);
				},
			},
		]),
		pruning(pruneReservations, pruneProviderEvents),
		outbox("orders"),
		jobs("orders"),
		consistentWithOthers<PayingService>(
			["newestUsers", "pending", "outbox"],
			[streamKnown("order"), eventsKnown("order"), salesConsistent, pendingHeld],
		),
		postgres({
			database: "orders",
			migrations: new URL("./migrations/", import.meta.url),
			functions: [new URL("./functions/", import.meta.url), outboxFunctions],
			tables: [...outboxTables, lostEventTables],
			amounts: "SELECT currency FROM orders ORDER BY created_at DESC LIMIT 1",
		}),
	],

	actions: implement<OrdersService>()(orders, {
		async place(ctx) {
			const { caller } = ctx.locals;
			if (caller?.id == null) {
				throw problem("FORBIDDEN");
			}
			return present(await placeOrder(this, ctx, caller.id));
		},

		async list(ctx) {
			const { skip, limit, cursor } = ctx.params;
			const after = cursor === undefined ? undefined : readMoment("orders", cursor);
			const rows = await listOrders(this.pool, ownerOf(ctx), { skip, limit, after });
			const last = rows[limit - 1];
			return { items: rows.map(present), next: last ? cursorAt("orders", momentKey(last)) : null };
		},

		async get(ctx) {
			const { id } = ctx.params;
			const row = isUuid(id) ? await this.statements.findOrder({ id, owner: ownerOf(ctx) }) : null;
			if (!row) {
				throw problem("ORDER_NOT_FOUND");
			}
			return present(row);
		},

		async cancel(ctx) {
			return present(await transitionOrder(this, ctx.params.id, "cancel", ownerOf(ctx), ...attemptOf(ctx)));
		},

		async pay(ctx) {
			const { id, method } = ctx.params;
			const { order, payment } = await payOrder(this, id, method, ownerOf(ctx), ...attemptOf(ctx));
			return { ...present(order), ...(payment && { payment: presentPayment(payment) }) };
		},

		async ship(ctx) {
			return present(await transitionOrder(this, ctx.params.id, "ship", ownerOf(ctx), ...attemptOf(ctx)));
		},

		async complete(ctx) {
			return present(await transitionOrder(this, ctx.params.id, "complete", ownerOf(ctx), ...attemptOf(ctx)));
		},

		async refund(ctx) {
			return present(await refundOrder(this, ctx.params.id, ctx.params.restock, ...attemptOf(ctx)));
		},

		async takePaymentEvent(ctx) {
			await takeProviderEvent(this, readWebhook(ctx.params));
			return { received: true as const };
		},

		settleReservations(ctx) {
			return settleReservations(this.pool, ctx.params.reservation_ids);
		},

		async settledRestocks(ctx) {
			return { order_ids: await settledRestocks(this.pool, ctx.params.order_ids) };
		},

		async newestUsers() {
			return { user_ids: await newestUsers(this.pool) };
		},

		pending(ctx) {
			return pendingOrders(this.pool, ctx.params.among);
		},

		async forgetUser(ctx) {
			await eraseUser(this.pool, ctx.params.user_id);
			return null;
		},

		async find(ctx) {
			const { id } = ctx.params;
			const row =
				(await findOrder(this.pool, { id }, "anybody")) ??
				(await findOrder(this.pool, { number: id.toUpperCase() }, "anybody"));
			if (!row) {
				throw problem("ORDER_NOT_FOUND");
			}
			return present(row);
		},

		outbox() {
			return pendingWork(this.pool);
		},

		async health() {
			await this.checkOutbox();
			return { status: "healthy", service: "order-service" };
		},
	}),

	created() {
		this.statements = orderStatements(this.pool);
		this.provider = sandboxProvider(this.pool);
		this.addCron("23 * * * * forget_old_keys");
		this.addCron("53 * * * * forget_deleted_users");
		this.addTasks({
			forget_deleted_users: () => eraseDeletedUsers(this.pool),
			forget_old_keys: (_, { abortSignal }) => pruneAll(this.pool, [pruneKeys], abortSignal),
			refund_payment: (payload) => refundPayment(this, (payload as { reference: string }).reference),
			restock_order: (payload) => restockOrder(this, (payload as { order_id: string }).order_id),
			release_stock: async (payload) => {
				const { reservation_id } = payload as { reservation_id: string };
				// Another attempt of the same request may have placed an order with it meanwhile.
				const [settled] = await settleReservations(this.pool, [reservation_id]);
				if (settled?.fate === "release") {
					await callAction(this.broker, "v1.products.release", { reservation_id });
				}
			},
			consume_stock: async (payload) => {
				const { reservation_id } = payload as { reservation_id: string };
				await callAction(this.broker, "v1.products.consume", { reservation_id });
			},
		});
	},
});

/** Returns the owner whose orders the caller may see: all for an admin, their own for a user. */
function ownerOf(ctx: ActionContext): Owner {
	const { caller } = ctx.locals;
	if (caller?.role === "admin" || caller?.role === "service") {
		return "anybody";
	}
	if (caller?.id == null) {
		throw problem("FORBIDDEN");
	}
	return caller.id;
}

/** Returns the caller's name in the order's history. */
function actorOf(ctx: ActionContext): string {
	const { caller } = ctx.locals;
	return caller?.id == null ? "shop" : `${caller.role}:${caller.id}`;
}

/** Returns the caller's name, and whether the request may have been done before. */
function attemptOf(ctx: ActionContext): [actor: string, isRepetition: boolean] {
	return [actorOf(ctx), ctx.locals.is_repetition ?? false];
}
