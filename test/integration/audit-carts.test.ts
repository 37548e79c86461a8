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
				"an ordered cart without its order",
				"orders",
				({ carts }) => `UPDATE carts SET order_id = gen_random_uuid() WHERE id = '${carts.ordered}'`,
				({ carts, orders: { carted } }) => [
					`cart ${carts.ordered} was ordered as `,
					`cart ${carts.ordered} is ordered, but has order ${carted.number}`,
				],
			],
			[
				"an open cart that has an order",
				"orders",
				({ carts }) => `UPDATE carts SET status = 'merged', merged_into = '${carts.open}', order_id = NULL
					WHERE id = '${carts.ordered}'`,
				({ carts, orders: { carted } }) => [
					`cart ${carts.ordered} is merged, but has order ${carted.number}`,
				],
			],
			[
				"an order of another cart",
				"orders",
				({ orders }) => `UPDATE orders SET cart_id = NULL WHERE id = '${orders.carted.id}'`,
				({ carts, orders: { carted } }) => [
					`cart ${carts.ordered} was ordered as order ${carted.number}, which has another cart`,
				],
			],
			[
				"a cart with two orders",
				"orders",
				({ carts, orders }) => `DROP INDEX orders_cart;
					UPDATE orders SET cart_id = '${carts.ordered}' WHERE id = '${orders.pending.id}'`,
				({ carts, orders: { pending } }) => [
					`cart ${carts.ordered} has 2 orders`,
					`cart ${carts.ordered} is ordered, but has order ${pending.number}`,
				],
			],
			[
				"a cart with other lines than its order",
				"orders",
				({ carts }) => `UPDATE cart_items SET quantity = 3 WHERE cart_id = '${carts.ordered}'`,
				({ carts, orders: { carted } }) => [
					`cart ${carts.ordered} has other lines than order ${carted.number}`,
				],
			],
			[
				"a user with two open carts",
				"orders",
				({ carts }) => `DROP INDEX carts_open;
					INSERT INTO carts (id, token_hash, user_id)
					SELECT gen_random_uuid(), '', user_id FROM carts WHERE id = '${carts.open}'`,
				({ carts }) => [`user ${carts.user_id} has 2 open carts`],
			],
			[
				"a cart in a state without what belongs to it",
				"orders",
				({ carts }) => `UPDATE carts SET status = 'merged' WHERE id = '${carts.open}'`,
				({ carts }) => [`cart ${carts.open} is merged without its order or cart`],
			],
			[
				"a cart that was merged into a guest's",
				"orders",
				({ carts }) => `INSERT INTO carts (id, token_hash, status, merged_into)
					VALUES (gen_random_uuid(), '', 'merged', '${carts.open}');
					UPDATE carts SET user_id = NULL WHERE id = '${carts.open}'`,
				({ carts }) => [`was merged into ${carts.open}, which belongs to no user`],
			],
			[
				"an item without a cart",
				"orders",
				({ carts }) => `DELETE FROM carts WHERE id = '${carts.open}'`,
				({ carts }) => [`an item of cart ${carts.open} belongs to no cart`],
			],
			[
				"a cart of a deleted user",
				"orders",
				({ carts, gone }) =>
					`UPDATE carts SET user_id = ${gone}, created_at = now() - interval '3 days' WHERE id = '${carts.open}'`,
				({ carts, gone }) => [`cart ${carts.open} belongs to user ${gone}, who was deleted`],
			],
		],
	);
});
