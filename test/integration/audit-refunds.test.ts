import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { PayingService } from "../../services/orders/payments.ts";
import { AuditedShop, testBreaches } from "./audited-shop.ts";
import { admin, eventually, newProduct, type Person, stockOf } from "./shop.ts";

let shop: AuditedShop;
let keeper: Person;
/** An order of 3 × 33,333 with two refunds of a unit, the first of which restocks; the number of the order. */
let [id, number, product, first, second] = ["", "", "", "", ""];
/** An order that was refunded in two parts, the second of them the rest; its payment. */
let [whole, reference] = ["", ""];

async function paidOrder(): Promise<{ id: string; number: string; product: string }> {
	const { id: product_id } = await newProduct(shop.broker, 10, 33_333);
	const order = await shop.buyer.call("v1.orders.place", { items: [{ product_id, quantity: 3 }] });
	await shop.buyer.call("v1.orders.pay", { id: order.id });
	return { id: order.id, number: order.number, product: product_id };
}

beforeAll(async () => {
	shop = await AuditedShop.start();
	keeper = await admin(shop.broker);
	({ id, number, product } = await paidOrder());
	const items = [{ line: 1, quantity: 1 }];
	first = (await keeper.call("v1.orders.addRefund", { id, items, restock: true })).id;
	second = (await keeper.call("v1.orders.addRefund", { id, items, amount: 100 })).id;
	const other = await paidOrder();
	whole = other.id;
	await keeper.call("v1.orders.addRefund", { id: whole, amount: 10 });
	await keeper.call("v1.orders.refund", { id: whole, restock: true });
	await eventually("the units", async () => (await stockOf(shop.broker, product))?.stock === 8);
	await eventually("the units", async () => (await stockOf(shop.broker, other.product))?.stock === 10);
	await shop.rest();
	const rows = await shop.sql<{ reference: string }>(
		"orders",
		"SELECT reference FROM payments WHERE order_id = $1",
		[whole],
	);
	reference = rows[0]?.reference as string;
	await shop.save();
});

afterAll(() => shop.stop());

const ofRefund = (refund: string, set: string) => `UPDATE refunds SET ${set} WHERE id = '${refund}'`;

describe("the audit names", () => {
	testBreaches(
		() => shop,
		[
			[
				"an order of which its refunds give back another sum",
				"orders",
				() => `UPDATE orders SET refunded_minor = 66765 WHERE id = '${id}'`,
				() => [`order ${number} has 66765 refunded, but its refunds sum to 66766`],
			],
			[
				"a line of which its refunds give back other units",
				"orders",
				() => `UPDATE order_lines SET refunded_quantity = 1 WHERE order_id = '${id}'`,
				() => [`order ${number} has given back 1 of 3 units of line 1, but its refunds 2`],
			],
			[
				"a line of which more units came back than were bought",
				"orders",
				() => `UPDATE order_lines SET refunded_quantity = 4 WHERE order_id = '${id}';
					UPDATE refund_lines SET quantity = 3 WHERE refund_id = '${second}'`,
				() => [
					`order ${number} has given back 4 of 3 units of line 1, but its refunds 4`,
					`order ${number} has a refund 2 with other amounts (33333, 0, 100) than its lines give`,
				],
			],
			[
				"a refund of another amount than its parts",
				"orders",
				() => `UPDATE refund_lines SET amount_minor = 33334 WHERE refund_id = '${second}'`,
				() => [
					`refund 2 of order ${number} gives back 33433, but its parts sum to 33434`,
					`order ${number} has a refund 2 with other amounts (33334, 0, 100) than its lines give`,
				],
			],
			[
				"a refund that is pending without a job",
				"orders",
				() => ofRefund(second, "status = 'pending'"),
				() => [`refund 2 of order ${number} must be paid, but has no job for it`],
			],
			[
				"a refund whose units no job puts back on sale",
				"orders",
				() => ofRefund(first, "restock_done = false"),
				() => [`refund 1 of order ${number} must be restocked, but has no job for it`],
			],
			[
				"a refund whose units went back on sale although they stay away",
				"orders",
				() => ofRefund(first, "restock = false"),
				() => [
					`restock ${first} of product ${product} belongs to order ${number}, which was not restocked`,
					"got back 1 units from refunded orders, which have 0",
				],
			],
			[
				"a refund whose units the product does not have",
				"orders",
				() => ofRefund(second, "restock = true, restock_done = true"),
				() => [
					`order ${number} was refunded, but product ${product} has no restock of its 1 units`,
					"got back 1 units from refunded orders, which have 2",
				],
			],
			[
				"a refund that the provider does not know",
				"orders",
				() => `DELETE FROM sandbox_refunds WHERE id = '${second}'`,
				() => [`refund 2 of order ${number} is refunded, but at the provider there is none`],
			],
			[
				"a refund of which the provider gave back less",
				"orders",
				() => `UPDATE sandbox_refunds SET amount_minor = 1 WHERE id = '${second}'`,
				() => [`refund 2 of order ${number} is refunded, but at the provider it gave 1 of 33433 back`],
			],
			[
				"a refund that the provider made although it is refused here",
				"orders",
				() => ofRefund(second, "status = 'refused'"),
				() => [`refund 2 of order ${number} is refused, but at the provider it gave 33433 of 33433 back`],
			],
			[
				"a refund of the provider that is unknown here",
				"orders",
				() => `INSERT INTO sandbox_refunds VALUES ('re_1', '${reference}', 1)`,
				() => [
					"refund re_1 is at the provider, but unknown here",
					`payment ${reference} is for 99999, but the provider gave 100000 back`,
				],
			],
			[
				"a refund that is gone",
				"orders",
				() =>
					`DELETE FROM refund_lines WHERE refund_id = '${second}'; DELETE FROM refunds WHERE id = '${second}'`,
				() => [
					`order ${number} has 66766 refunded, but its refunds sum to 33333`,
					`order ${number} has given back 2 of 3 units of line 1, but its refunds 1`,
					`refund ${second} is at the provider, but unknown here`,
					`order ${number} published order.partly_refunded as event 4, which contradicts its history`,
					`order ${number} 4 of 3 events were published`,
					`order ${number} has 2 messages for 1 order.partly_refunded`,
					"credit note CN-INV-000003 belongs to no refund",
				],
			],
			[
				"a job of a refund that does not exist",
				"orders",
				() => `SELECT graphile_worker.add_job('pay_refund', '{"refund_id": "${product}"}',
					run_at => now() + interval '4 minutes', max_attempts => 32767, job_key => 'pay_refund:${product}')`,
				() => [`is pay_refund of pay_refund:${product}, which does not exist`],
			],
		],
	);
});

test("a refund that the provider refuses, or leaves to a person, is no breach, of a part or of the whole", async () => {
	const { provider } = shop.broker.getLocalService({
		name: "orders",
		version: 1,
	}) as unknown as PayingService;
	const { refund } = provider;
	for (const outcome of ["refused", "manual"] as const) {
		provider.refund = async () => outcome;
		const [part, all] = [await paidOrder(), await paidOrder()];
		await keeper.call("v1.orders.addRefund", { id: part.id, items: [{ line: 1, quantity: 1 }] });
		for (const order of [part, all]) {
			await keeper.call("v1.orders.refund", { id: order.id });
			await eventually("the outcome", async () => {
				const refunds = await keeper.call("v1.orders.refunds", { id: order.id });
				return refunds.every(({ status }) => status === outcome);
			});
		}
		provider.refund = refund;
		await shop.rest();
	}
	expect(await shop.breaches()).toEqual([]);
});
