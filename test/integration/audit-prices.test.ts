import { afterAll, beforeAll, describe } from "@jest/globals";
import { AuditedShop, testBreaches } from "./audited-shop.ts";

let shop: AuditedShop;

beforeAll(async () => {
	shop = await AuditedShop.start();
});

afterAll(() => shop.stop());

describe("the audit names", () => {
	testBreaches(
		() => shop,
		[
			[
				"a voucher with more uses than orders",
				"orders",
				() => "UPDATE voucher_limits SET used = 4",
				() => ["voucher HEMAT has 4 uses, but 1 orders use it"],
			],
			[
				"a voucher whose use a cancelled order did not give back",
				"orders",
				({ orders }) => `UPDATE orders SET (voucher_code, voucher_limits_id) =
					(SELECT voucher_code, voucher_limits_id FROM orders WHERE id = '${orders.priced.id}')
					WHERE id = '${orders.cancelled.id}'; UPDATE voucher_limits SET used = 2`,
				() => ["voucher HEMAT has 2 uses, but 1 orders use it"],
			],
			[
				"an order with a voucher that does not exist",
				"orders",
				() => "DELETE FROM vouchers",
				({ orders: { priced } }) => [`order ${priced.number} uses voucher HEMAT, which does not exist`],
			],
			[
				"an order with another tax than its rate gives",
				"orders",
				({ orders }) => `UPDATE orders SET tax_minor = 3569 WHERE id = '${orders.priced.id}'`,
				({ orders: { priced } }) => [
					`order ${priced.number} has a tax_minor of 3569, but its terms give 3568`,
				],
			],
			[
				"an order with another fee than its method gives",
				"orders",
				({ orders }) =>
					`UPDATE orders SET shipping_terms = jsonb_set(shipping_terms, '{bands,0,up_to_g}', '-1') WHERE id = '${orders.priced.id}'`,
				() => [`check "an order costs what its terms give" could not be checked: -1 is negative`],
			],
			[
				"an order whose line was paid in another share",
				"orders",
				({ orders }) => `UPDATE order_lines SET paid_minor = 27001 WHERE order_id = '${orders.priced.id}'`,
				({ orders: { priced } }) => [
					`order ${priced.number} has a paid_minor of 27001 in line 1, but its terms give 27000`,
					`order ${priced.number} has a total of 36000, but its lines sum to 27001, and shipping to 9000`,
				],
			],
			[
				"an order of which more was refunded than it cost",
				"orders",
				({ orders }) => `UPDATE orders SET refunded_minor = 36001 WHERE id = '${orders.priced.id}'`,
				({ orders: { priced } }) => [`order ${priced.number} costs 36000, but 36001 are refunded`],
			],
		],
	);
});
