import { actorOf, ownerOf, userOf } from "../../broker/caller.ts";
import { service } from "../../broker/schema.ts";
import { type ActionContext, callAction, implement } from "../../contracts/actions.ts";
import { orders } from "../../contracts/orders.ts";
import { problem } from "../../contracts/problems.ts";
import { cursorAt, momentKey, readMoment } from "../../database/page-cursor.ts";
import { auditing } from "../../mixins/auditing.ts";
import { consistentWithOthers, eventsKnown, lostEventTables, streamKnown } from "../../mixins/consistency.ts";
import { gauges } from "../../mixins/gauges.ts";
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
import { cartsOpen, holdsOpen, orders as orderCounter, payments } from "../../observability/metrics.ts";
import {
	accessOf,
	beginCart,
	countCarts,
	existingCart,
	mergeCart,
	putCartItem,
	readCart,
	signedInUser,
} from "./carts.ts";
import { eraseDeletedUsers, eraseUser } from "./erasure.ts";
import { creditNoteOf, presentCreditNote } from "./invoices/credit-note.ts";
import { invoiceOf } from "./invoices/document.ts";
import {
	findCreditNote,
	findInvoiced,
	issueCreditNotes,
	issueInvoices,
	listCreditNotes,
} from "./invoices/issuing.ts";
import { rendered } from "./invoices/rendering.ts";
import { countUnpaid, findOrder, isUuid, listOrders, newestUsers, present } from "./model.ts";
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
import { presentCart } from "./priced-carts.ts";
import { tracedProvider } from "./provider.ts";
import { pruneCarts, pruneKeys, pruneProviderEvents, pruneReservations } from "./prune.ts";
import { quoteOrder } from "./quote.ts";
import { addRefund, listRefunds, payRefund, presentRefund, refundOrder, restockRefund } from "./refunds.ts";
import { pendingHeld, pendingOrders, salesConsistent, settleReservations } from "./reservations.ts";
import { sandboxProvider } from "./sandbox.ts";
import { addMethod, presentMethod, removeMethod, shippingMethods, updateMethod } from "./shipping.ts";
import { orderStatements } from "./statements.ts";
import { UNITS_IN } from "./states.ts";
import { expireOrders, shipOrder, transitionOrder } from "./transitions.ts";
import { addVoucher, findVoucher, listVouchers, presentVoucher, updateVoucher } from "./vouchers.ts";
import { readWebhook } from "./webhook.ts";

type OrdersService = PayingService & OutboxService;

export default service<OrdersService>({
	name: orders.name,
	version: orders.version,
	mixins: [
		gauges<OrdersService>(function () {
			const labels = { service: this.name };
			return [
				holdsOpen.add(async () => [[labels, await countUnpaid(this.pool)]]),
				cartsOpen.add(async () => [[labels, await countCarts(this.pool)]]),
			];
		}),
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
			{
				name: "issue invoices",
				every_ms: 1000,
				work: async function () {
					return issueInvoices(this);
				},
			},
			{
				name: "issue credit notes",
				every_ms: 1000,
				work: async function () {
					return issueCreditNotes(this);
				},
			},
		]),
		auditing(),
		pruning(pruneReservations, pruneProviderEvents, pruneCarts),
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
			return present(await placeOrder(this, ctx, userOf(ctx)));
		},

		quote(ctx) {
			return quoteOrder(this, ctx);
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
			return present(await shipOrder(this, ctx.params, ...attemptOf(ctx)));
		},

		async complete(ctx) {
			return present(await transitionOrder(this, ctx.params.id, "complete", ownerOf(ctx), ...attemptOf(ctx)));
		},

		async refund(ctx) {
			return present(await refundOrder(this, ctx.params.id, ctx.params.restock, ...attemptOf(ctx)));
		},

		async addRefund(ctx) {
			return presentRefund(await addRefund(this, ctx.params, actorOf(ctx), ctx.locals.key_id));
		},

		async refunds(ctx) {
			return (await listRefunds(this.pool, ctx.params.id, ownerOf(ctx), ctx.params)).map(presentRefund);
		},

		async takePaymentEvent(ctx) {
			await takeProviderEvent(this, readWebhook(ctx.params));
			return { received: true as const };
		},

		async shippingMethods(ctx) {
			const { country, weight_g, skip, limit, ...rest } = ctx.params;
			const destination = country === undefined ? undefined : { country, ...rest };
			return (await shippingMethods(this.pool, destination, weight_g)).slice(skip, skip + limit);
		},

		async addVoucher(ctx) {
			return presentVoucher(await addVoucher(this, ctx.params, ctx.locals.key_id));
		},

		async vouchers(ctx) {
			const { skip, limit, cursor } = ctx.params;
			const after = cursor === undefined ? undefined : readMoment("vouchers", cursor);
			const rows = await listVouchers(this.pool, { skip, limit, after });
			const last = rows[limit - 1];
			return { items: rows.map(presentVoucher), next: last ? cursorAt("vouchers", momentKey(last)) : null };
		},

		async voucher(ctx) {
			return presentVoucher(await findVoucher(this.pool, ctx.params.code));
		},

		async updateVoucher(ctx) {
			return presentVoucher(await updateVoucher(this, ctx.params));
		},

		async addShippingMethod(ctx) {
			return presentMethod(await addMethod(this.pool, ctx.params, ctx.locals.key_id));
		},

		async updateShippingMethod(ctx) {
			return presentMethod(await updateMethod(this.pool, ctx.params));
		},

		async removeShippingMethod(ctx) {
			await removeMethod(this.pool, ctx.params.code, ctx.locals.is_repetition ?? false);
			return null;
		},

		async beginCart(ctx) {
			const { id, token } = await beginCart(this.pool, await signedInUser(ctx));
			return { ...(await presentCart(this, ctx, await existingCart(this.pool, id))), token };
		},

		async cart(ctx) {
			return presentCart(this, ctx, await readCart(this.pool, accessOf(ctx)));
		},

		async putCartItem(ctx) {
			return presentCart(this, ctx, await putCartItem(this.pool, ctx));
		},

		async mergeCart(ctx) {
			return presentCart(this, ctx, await mergeCart(this.pool, accessOf(ctx), userOf(ctx)));
		},

		async findCart(ctx) {
			const row = await existingCart(this.pool, ctx.params.id);
			return { ...(await presentCart(this, ctx, row)), user_id: row.user_id };
		},

		async invoice(ctx) {
			const { id, format, language } = ctx.params;
			return rendered(invoiceOf(await findInvoiced(this, id, ownerOf(ctx))), format, language);
		},

		async creditNotes(ctx) {
			const { id, ...page } = ctx.params;
			return (await listCreditNotes(this, id, ownerOf(ctx), page)).map(presentCreditNote);
		},

		async creditNote(ctx) {
			const { id, note, format, language } = ctx.params;
			const found = await findCreditNote(this, id, ownerOf(ctx), note);
			return rendered(creditNoteOf(found.order, found.note), format, language);
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
		startCounting();
		this.provider = tracedProvider(sandboxProvider(this.pool));
		this.addCron("23 * * * * forget_old_keys");
		this.addCron("53 * * * * forget_deleted_users");
		this.addTasks({
			forget_deleted_users: () => eraseDeletedUsers(this.pool),
			forget_old_keys: (_, { abortSignal }) => pruneAll(this.pool, [pruneKeys], abortSignal),
			refund_payment: (payload) => refundPayment(this, (payload as { reference: string }).reference),
			restock_order: (payload) => restockOrder(this, (payload as { order_id: string }).order_id),
			pay_refund: (payload) => payRefund(this, (payload as { refund_id: string }).refund_id),
			restock_refund: (payload) => restockRefund(this, (payload as { refund_id: string }).refund_id),
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

/** Returns the caller's name, and whether the request may have been done before. */
function attemptOf(ctx: ActionContext): [actor: string, isRepetition: boolean] {
	return [actorOf(ctx), ctx.locals.is_repetition ?? false];
}

/** Begins the counters at zero: a rate cannot be computed from a counter that appears with its first event. */
function startCounting(): void {
	for (const status of Object.keys(UNITS_IN)) {
		orderCounter.inc({ status }, 0);
	}
	for (const outcome of ["paid", "late", "failed"]) {
		payments.inc({ outcome }, 0);
	}
}
