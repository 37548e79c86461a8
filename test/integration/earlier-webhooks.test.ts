import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import type { ServiceBroker } from "moleculer";
import { settings } from "../../config/settings.ts";
import { callAction } from "../../contracts/actions.ts";
import { sign } from "../../services/orders/webhook.ts";
import { withEarlierOrders } from "./earlier-orders.ts";
import { startNode } from "./shop.ts";

const paid = { id: randomUUID(), reference: "pay_paid", event: "evt_paid" };
const open = { id: randomUUID(), reference: "pay_open", event: "evt_failed" };

let shop: ServiceBroker;

beforeAll(async () => {
	await withEarlierOrders("008", async (orders) => {
		for (const [{ id, reference, event }, status, type] of [
			[paid, "settled", "payment.settled"],
			[open, "failed", "payment.failed"],
		] as const) {
			await orders.pool.query(
				`INSERT INTO orders (id, user_id, status, total_minor, currency, expires_at)
				VALUES ($1, 1, $2, 15000, 'IDR', now() + interval '1 hour')`,
				[id, status === "settled" ? "paid" : "pending"],
			);
			await orders.pool.query(
				`INSERT INTO payments (reference, order_id, method, amount_minor, status, due_at)
				VALUES ($1, $2, 'transfer', 15000, $3, now() + interval '1 hour')`,
				[reference, id, status],
			);
			await orders.pool.query("INSERT INTO provider_events (id, reference, type) VALUES ($1, $2, $3)", [
				event,
				reference,
				type,
			]);
		}
	});
	shop = await startNode("orders");
});

afterAll(() => shop?.stop());

function tell(id: string, type: string, reference: string, amount = 15_000) {
	const payload = JSON.stringify({ id, type, reference, amount });
	const secret = settings.paymentWebhookSecret;
	const signature = sign(secret, payload, Math.floor(Date.now() / 1000));
	return callAction(shop, "v1.orders.takePaymentEvent", { payload, signature });
}

test("a webhook that was taken before its amount was kept is known by that of its payment", async () => {
	expect(await tell(paid.event, "payment.settled", paid.reference)).toEqual({ received: true });
	expect(await tell(open.event, "payment.failed", open.reference)).toEqual({ received: true });
});

test.each([
	[paid.event, "payment.settled", open.reference, 15_000],
	[paid.event, "payment.failed", paid.reference, 15_000],
	[paid.event, "payment.settled", paid.reference, 14_999],
	[open.event, "payment.settled", open.reference, 15_000],
])("its id %s is refused with another content: %s of %s over %d", async (id, type, reference, amount) => {
	await expect(tell(id, type, reference, amount)).rejects.toMatchObject({
		code: 409,
		type: "WEBHOOK_ID_REUSED",
	});
});
