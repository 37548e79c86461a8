import { afterAll, beforeAll, describe } from "@jest/globals";
import { AuditedShop, type Made, testBreaches } from "./audited-shop.ts";

let shop: AuditedShop;

beforeAll(async () => {
	shop = await AuditedShop.start();
});

afterAll(() => shop.stop());

const payment = ({ reference }: Made, change: string) =>
	`UPDATE payments SET ${change} WHERE reference = '${reference}'`;
const charge = ({ reference }: Made, change: string) =>
	`UPDATE sandbox_charges SET ${change} WHERE reference = '${reference}'`;

describe("the audit names a payment", () => {
	testBreaches(
		() => shop,
		[
			[
				"of another amount than its order's total",
				"orders",
				({ orders }) => payment(orders.paid, "amount_minor = 29999"),
				({ orders: { paid } }) => [
					`order ${paid.number} costs 30000, but payment ${paid.reference} is for 29999`,
					`charge ${paid.reference} is for 30000 at the provider, but the payment of order ${paid.number} is for 29999`,
				],
			],
			[
				"of which the provider charged another amount",
				"orders",
				({ orders }) => charge(orders.paid, "amount_minor = 300000"),
				({ orders: { paid } }) => [`charge ${paid.reference} is for 300000 at the provider`],
			],
			[
				"of which the provider cancelled the charge",
				"orders",
				({ orders }) => charge(orders.paid, "status = 'cancelled', amount_minor = 0"),
				({ orders: { paid } }) => [
					`charge ${paid.reference} is cancelled at the provider, but settled here, for order ${paid.number}`,
				],
			],
			[
				"of which the provider has no charge",
				"orders",
				({ orders }) => `DELETE FROM sandbox_charges WHERE reference = '${orders.paid.reference}'`,
				({ orders: { paid } }) => [
					`charge ${paid.reference} is missing at the provider, but settled here, for order ${paid.number}`,
				],
			],
			[
				"by transfer that the provider never said to be settled",
				"orders",
				({ orders }) => `DELETE FROM provider_events WHERE reference = '${orders.transferred.reference}'`,
				({ orders: { transferred } }) => [
					`charge ${transferred.reference} is missing at the provider, but settled here, for order ${transferred.number}`,
				],
			],
			[
				"that the provider gave back by itself",
				"orders",
				({ orders }) => charge(orders.shipped, "status = 'refunded'"),
				({ orders: { shipped } }) => [
					`charge ${shipped.reference} is refunded at the provider, but settled here`,
				],
			],
			[
				"that is refunded here, but not at the provider",
				"orders",
				({ orders }) => charge(orders.refunded, "status = 'settled'"),
				({ orders: { refunded } }) => [
					`charge ${refunded.reference} is settled at the provider, but refunded here`,
				],
			],
			[
				"that came too late and did not go back at the provider",
				"orders",
				({ orders }) => `DELETE FROM sandbox_charges WHERE reference = '${orders.late.reference}'`,
				({ orders: { late } }) => [`charge ${late.reference} is missing at the provider, but refunded here`],
			],
			[
				"that failed here and was settled by the provider's message",
				"orders",
				({ orders }) => payment(orders.transferred, "status = 'failed'"),
				({ orders: { transferred } }) => [
					`order ${transferred.number} is paid without a payment`,
					`order ${transferred.number} was paid by payment:${transferred.reference}, which is not a payment of this order`,
					`reported payment.settled, but payment ${transferred.reference} is failed`,
				],
			],
			[
				"that failed here and was charged",
				"orders",
				({ orders }) => payment(orders.paid, "status = 'failed'"),
				({ orders: { paid } }) => [
					`order ${paid.number} is paid without a payment`,
					`order ${paid.number} was paid by payment:${paid.reference}, which is not a payment of this order`,
					`charge ${paid.reference} is settled at the provider, but failed here`,
				],
			],
			[
				"of which the provider told another amount",
				"orders",
				({ orders }) =>
					`UPDATE provider_events SET amount_minor = 1 WHERE reference = '${orders.transferred.reference}'`,
				({ orders: { transferred } }) => [`reported 1, but payment ${transferred.reference} is for 30000`],
			],
			[
				"beside another one of the same order",
				"orders",
				({
					orders: { paid },
				}) => `INSERT INTO payments (reference, order_id, method, amount_minor, status, due_at)
					VALUES ('pay_twice', '${paid.id}', 'transfer', 30000, 'refunding', now());
					INSERT INTO sandbox_charges VALUES ('pay_twice', 30000, 'settled')`,
				({ orders: { paid } }) => [
					`order ${paid.number} was paid 2 times: `,
					`payment pay_twice is refunding, but order ${paid.number} is paid`,
					"payment pay_twice must be refunded, but has no job for it",
				],
			],
			[
				"that is settled for an order that was refunded",
				"orders",
				({ orders: { refunded } }) =>
					`${payment(refunded, "status = 'settled'")}; ${charge(refunded, "status = 'settled'")}`,
				({ orders: { refunded } }) => [
					`payment ${refunded.reference} is settled, but order ${refunded.number} is refunded`,
				],
			],
			[
				"that is settled for an order that was cancelled",
				"orders",
				({ orders: { late } }) => payment(late, "status = 'settled'"),
				({ orders: { late } }) => [
					`payment ${late.reference} is settled, but order ${late.number} is cancelled`,
					`payment ${late.reference} is settled, although it came too late for its order`,
					`charge ${late.reference} is refunded at the provider, but settled here`,
					`order ${late.number} published payment.refunded as event 3, which contradicts its history`,
					`order ${late.number} 3 of 2 events were published`,
					`order ${late.number} has the message payment_refunded for an event that did not happen`,
				],
			],
			[
				"that is open, though the provider said that it failed",
				"orders",
				({ orders: { open } }) =>
					`INSERT INTO provider_events (id, reference, type, amount_minor) VALUES ('failed', '${open.reference}', 'payment.failed', 30000)`,
				({ orders: { open } }) => [
					`webhook failed reported payment.failed, but payment ${open.reference} is open`,
				],
			],
			[
				"that is open beside another open one by the same method",
				"orders",
				({ orders: { open } }) => `DROP INDEX payments_open;
					INSERT INTO payments (reference, order_id, method, amount_minor, status, due_at, check_at)
					SELECT 'pay_twice', order_id, method, amount_minor, status, due_at, check_at
					FROM payments WHERE reference = '${open.reference}'`,
				({ orders: { open } }) => [
					`payment ${open.reference} is one of 2 open payments`,
					"payment pay_twice is one of 2 open payments",
				],
			],
			[
				"of an order that is not there",
				"orders",
				() => `INSERT INTO payments (reference, order_id, method, amount_minor, status, due_at)
					VALUES ('pay_none', gen_random_uuid(), 'transfer', 1, 'failed', now())`,
				() => ["payment pay_none belongs to no order"],
			],
			[
				"that is open and that nobody looks after",
				"orders",
				({ orders }) => payment(orders.open, "check_at = NULL"),
				({ orders: { open } }) => [`payment ${open.reference} is due at`],
			],
			[
				"that is open and whose check is put off",
				"orders",
				({ orders }) => payment(orders.open, "check_at = '2999-01-01Z'"),
				({ orders: { open } }) => [`payment ${open.reference} is due at`],
			],
			[
				"that is due at another time than its order expires",
				"orders",
				({ orders }) => payment(orders.open, "due_at = due_at + interval '1 hour'"),
				({ orders: { open } }) => [`payment ${open.reference} is due at`],
			],
			[
				"that has to go back and that no job gives back",
				"orders",
				({ orders }) => payment(orders.refunded, "status = 'refunding'"),
				({ orders: { refunded } }) => [
					`payment ${refunded.reference} must be refunded, but has no job for it`,
				],
			],
			[
				"that is gone",
				"orders",
				({ orders: { paid } }) => `DELETE FROM payments WHERE reference = '${paid.reference}'`,
				({ orders: { paid } }) => [
					`order ${paid.number} is paid without a payment`,
					`order ${paid.number} was paid by payment:${paid.reference}, which is not a payment of this order`,
					`charge ${paid.reference} is settled at the provider, but unknown here`,
				],
			],
		],
	);
});

describe("the audit names an order", () => {
	testBreaches(
		() => shop,
		[
			[
				"that is paid without money",
				"orders",
				({ orders: { pending } }) => `UPDATE orders SET status = 'paid' WHERE id = '${pending.id}';
					INSERT INTO order_history VALUES ('${pending.id}', 'paid', 'admin:1')`,
				({ orders: { pending } }) => [
					`order ${pending.number} is paid without a payment`,
					`hold ${pending.reservation_id}`,
					`order ${pending.number} 1 of 2 events were published`,
					`order ${pending.number} has no message for order.paid`,
				],
			],
			[
				"that was refunded without its money",
				"orders",
				({ orders: { shipped } }) => `UPDATE orders SET status = 'refunded' WHERE id = '${shipped.id}';
					INSERT INTO order_history VALUES ('${shipped.id}', 'refunded', 'admin:1')`,
				({ orders: { shipped } }) => [
					`payment ${shipped.reference} is settled, but order ${shipped.number} is refunded`,
					`order ${shipped.number} 3 of 4 events were published`,
					`order ${shipped.number} has no message for order.refunded`,
				],
			],
		],
	);
});
