import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { audit } from "../../tools/audit/audit.ts";
import { AuditedShop, type Breach, type Made, testBreaches } from "./audited-shop.ts";

let shop: AuditedShop;

beforeAll(async () => {
	shop = await AuditedShop.start();
});

afterAll(() => shop.stop());

test("the audit names nothing in a shop at rest, where each check has examined something", async () => {
	const { breaches, results } = await audit(shop.sources, 20_000, 20);
	expect(breaches).toEqual([]);
	expect(results.filter(({ checked }) => checked === 0)).toEqual([]);
});

const set = ({ id }: Made, change: string) => `UPDATE orders SET ${change} WHERE id = '${id}'`;
const cheaper = (order: Made) =>
	`UPDATE order_lines SET price_minor = 1 WHERE order_id = '${order.id}'; ${set(order, "total_minor = 2")}`;

describe("the audit names an order", () => {
	testBreaches(
		() => shop,
		[
			[
				"whose price and total were changed together after it was paid",
				"orders",
				({ orders }) => cheaper(orders.paid),
				({ orders: { paid } }) => [
					`order ${paid.number} costs 2, but payment ${paid.reference} is for 30000`,
					`order ${paid.number} has a total of 2, but 30000 in the stored response`,
					`order ${paid.number} has a total of 2, but 30000 in order.placed`,
					`order ${paid.number} has a total of 2, but 30000 in order.paid`,
				],
			],
			[
				"whose price and total were changed together before anybody paid",
				"orders",
				({ orders }) => cheaper(orders.pending),
				({ orders: { pending } }) => [
					`order ${pending.number} has a total of 2, but 30000 in the stored response`,
					`order ${pending.number} has a total of 2, but 30000 in order.placed`,
				],
			],
			[
				"whose lines were exchanged for others at the same total",
				"orders",
				({ orders }) => `DELETE FROM idempotency_keys;
					UPDATE order_lines SET price_minor = 30000, quantity = 1 WHERE order_id = '${orders.shipped.id}'`,
				({ orders: { shipped } }) => [
					`order ${shipped.number} has other lines than in order.placed`,
					`product ${shipped.product_id}`,
				],
			],
			[
				"that has other units than its buyer was answered",
				"orders",
				({ orders: { gift } }) => `UPDATE order_lines SET product_id = 'other' WHERE order_id = '${gift.id}'`,
				({ orders: { gift } }) => [
					`order ${gift.number} has other lines than in the stored response`,
					`order ${gift.number} has other lines than in order.placed`,
					`product ${gift.product_id}`,
					"product other is in orders, but does not exist",
				],
			],
			[
				"in another currency than the shop's",
				"orders",
				({ orders }) => `DELETE FROM idempotency_keys; ${set(orders.cancelled, "currency = 'USD'")}`,
				({ orders: { cancelled } }) => [
					`order ${cancelled.number} is in USD, but the shop's currency is IDR`,
					`order ${cancelled.number} is in USD, but in IDR in order.placed`,
					`order ${cancelled.number} is in USD, but in IDR in order.cancelled`,
				],
			],
			[
				"that belongs to another user than its events, key and messages",
				"orders",
				({ orders, gone }) => set(orders.paid, `user_id = ${gone}, shipping_address = NULL`),
				({ orders: { paid }, gone, buyer }) => [
					" has an order that does not exist",
					`order ${paid.number} belongs to user ${gone}, but to user ${buyer.id} in order.placed`,
					`order ${paid.number} belongs to user ${gone}, but to user ${buyer.id} in order.paid`,
					`order ${paid.number} belongs to user ${gone}, but order_confirmation is for user ${buyer.id}`,
					`order ${paid.number} belongs to user ${gone}, but order_paid is for user ${buyer.id}`,
				],
			],
			[
				"of a user who is not there",
				"orders",
				() => `INSERT INTO orders (id, number, user_id, status, total_minor, currency, expires_at)
					VALUES (gen_random_uuid(), 'TK-000000', 999, 'cancelled', 0, 'IDR', now());
					INSERT INTO order_lines SELECT id, 1, 'p', 'p', 0, 1 FROM orders WHERE user_id = 999;
					INSERT INTO reservations SELECT gen_random_uuid(), id FROM orders WHERE user_id = 999`,
				() => [
					"user 999 does not exist, but has 1 orders, such as TK-000000",
					"order TK-000000 is cancelled after nothing",
					"product p is in orders, but does not exist",
				],
			],
			[
				"with fewer than one unit",
				"orders",
				({ orders }) => `DELETE FROM idempotency_keys;
					UPDATE order_lines SET quantity = -2 WHERE order_id = '${orders.cancelled.id}'`,
				({ orders: { cancelled } }) => [
					`order ${cancelled.number} has -2 units of product ${cancelled.product_id}`,
					`order ${cancelled.number} has a total of 30000, but its lines sum to -30000`,
					`order ${cancelled.number} has other lines than in order.placed`,
				],
			],
			[
				"at a price that no total holds",
				"orders",
				({ orders }) => `DELETE FROM idempotency_keys;
					UPDATE order_lines SET price_minor = 9223372036854775807 WHERE order_id = '${orders.cancelled.id}'`,
				({ orders: { cancelled } }) => [
					`order ${cancelled.number} has a total of 30000, but its lines sum to 18446744073709551614`,
					`order ${cancelled.number} has other lines than in order.placed`,
				],
			],
			[
				"that is named by a line, and not there",
				"orders",
				() => "INSERT INTO order_lines VALUES ('00000000-0000-4000-8000-000000000000', 1, 'p', 'p', 0, 1)",
				() => ["line 1 of order 00000000-0000-4000-8000-000000000000 belongs to no order"],
			],
			[
				"that has lost its lines",
				"orders",
				({ orders }) => `DELETE FROM idempotency_keys;
					DELETE FROM order_lines WHERE order_id = '${orders.cancelled.id}'`,
				({ orders: { cancelled } }) => [
					`order ${cancelled.number} has a total of 30000, but its lines sum to 0`,
					`order ${cancelled.number} has other lines than in order.placed`,
				],
			],
			[
				"whose history is out of order",
				"orders",
				({ orders }) => `UPDATE order_history SET at = at - interval '1 hour'
					WHERE order_id = '${orders.shipped.id}' AND status = 'paid'`,
				({ orders: { shipped } }) => [
					`order ${shipped.number} is shipped after paid → pending → shipped`,
					`order ${shipped.number} was paid at`,
					`order ${shipped.number} published order.placed as event 1, which contradicts its history`,
					`order ${shipped.number} published order.paid as event 2, which contradicts its history`,
				],
			],
			[
				"whose history is still to come",
				"orders",
				({ orders }) =>
					`UPDATE order_history SET at = '2999-01-01Z' WHERE order_id = '${orders.shipped.id}' AND status = 'shipped'`,
				({ orders: { shipped } }) => [`order ${shipped.number} was shipped at 2999`],
			],
			[
				"with a number that was not given out",
				"orders",
				({ orders }) => `DELETE FROM idempotency_keys; ${set(orders.gift, "number = 'TK-999999'")}`,
				({ orders: { gift } }) => [
					"order TK-999999 has a number that was not assigned yet",
					`order TK-999999 has the number ${gift.number} in order.placed`,
					`order TK-999999 has the number ${gift.number} in order.paid`,
				],
			],
			[
				"that was refunded and whose units no job puts back on sale",
				"orders",
				({ orders }) => set(orders.refunded, "restock_done = false"),
				({ orders: { refunded } }) => [`order ${refunded.number} must be restocked, but has no job for it`],
			],
			[
				"whose units went back on sale although it was not refunded",
				"orders",
				({ orders }) => set(orders.paid, "restocked = true, restock_done = true"),
				({ orders: { paid } }) => [
					`order ${paid.number} was restocked, but is paid`,
					"got back 0 units from refunded orders",
				],
			],
			[
				"that has two keys",
				"orders",
				({ orders: { paid } }) => `INSERT INTO idempotency_keys (user_id, key, request_hash, answer)
					SELECT user_id, 'twice', request_hash, answer FROM idempotency_keys WHERE answer->'order'->>'id' = '${paid.id}'`,
				({ orders: { paid } }) => [`order ${paid.number} has 2 keys`],
			],
			[
				"that has two reservations",
				"orders",
				({ orders: { cancelled } }) =>
					`INSERT INTO reservations VALUES (gen_random_uuid(), '${cancelled.id}')`,
				({ orders: { cancelled } }) => [`order ${cancelled.number} has 2 reservations`],
			],
			[
				"whose key answers another order",
				"orders",
				({
					orders,
				}) => `UPDATE idempotency_keys SET answer = jsonb_set(answer, '{order,number}', '"TK-777777"')
					WHERE answer->'order'->>'id' = '${orders.paid.id}'`,
				({ orders: { paid } }) => [
					`order ${paid.number} has this number, but TK-777777 in the stored response`,
				],
			],
			...(
				[
					["id", "has an order that does not exist"],
					["lines", "has other lines than in the stored response"],
					["expires_at", "but at x in the stored response"],
				] as const
			).map(
				([field, what]): Breach => [
					`whose key answers x as its ${field}`,
					"orders",
					({ orders }) => `UPDATE idempotency_keys SET answer = jsonb_set(answer, '{order,${field}}', '"x"')
						WHERE answer->'order'->>'id' = '${orders.paid.id}'`,
					() => [what],
				],
			),
			[
				"whose key is kept for ever",
				"orders",
				({ orders: { paid } }) => `UPDATE idempotency_keys SET created_at = '2999-01-01Z'
					WHERE answer->'order'->>'id' = '${paid.id}'`,
				() => ["was stored at 2999"],
			],
		],
	);
});

describe("the audit names a pending order", () => {
	testBreaches(
		() => shop,
		[
			[
				"that never expires",
				"orders",
				({ orders }) => `ALTER TABLE orders ALTER expires_at DROP NOT NULL; DELETE FROM idempotency_keys;
					${set(orders.pending, "expires_at = NULL")}`,
				({ orders: { pending } }) => [`order ${pending.number} is pending and never expires`],
			],
			[
				"that expires in a far year",
				"orders",
				({ orders }) => set(orders.pending, "expires_at = '2999-01-01Z'"),
				({ orders: { pending } }) => [
					`order ${pending.number} is pending until`,
					`order ${pending.number} expires at 2999`,
				],
			],
			[
				"that expires in a far year, with its payment",
				"orders",
				({ orders: { open } }) => `DELETE FROM idempotency_keys; ${set(open, "expires_at = '2999-01-01Z'")};
					UPDATE payments SET due_at = '2999-01-01Z' WHERE reference = '${open.reference}'`,
				({ orders: { open } }) => [`order ${open.number} is pending until 2999`],
			],
			[
				"that is given a day longer than its buyer was told",
				"orders",
				({ orders: { pending } }) => set(pending, "expires_at = expires_at + interval '1 day'"),
				({ orders: { pending } }) => [`order ${pending.number} expires at`],
			],
			[
				"that ends before its units are let go",
				"orders",
				({ orders: { pending } }) => `DELETE FROM idempotency_keys;
					${set(pending, "expires_at = expires_at - interval '20 minutes'")}`,
				({ orders: { pending } }) => [
					`hold ${pending.reservation_id} of product ${pending.product_id} expires at`,
				],
			],
			[
				"that expires at infinity",
				"orders",
				({ orders }) => `DELETE FROM idempotency_keys; ${set(orders.pending, "expires_at = 'infinity'")}`,
				({ orders: { pending } }) => [
					`order ${pending.number} is pending until infinity, longer than allowed`,
				],
			],
			[
				"that has more units than an integer holds",
				"orders",
				({ orders: { pending } }) => `DELETE FROM idempotency_keys;
					INSERT INTO order_lines SELECT order_id, n, product_id, name, 0, 2147483647 FROM order_lines, generate_series(2, 3) AS n
					WHERE order_id = '${pending.id}'`,
				({ orders: { pending } }) => [
					`hold ${pending.reservation_id} of product ${pending.product_id} has 2 units, but order ${pending.number} has 4294967296`,
					`order ${pending.number} has other lines than in order.placed`,
				],
			],
		],
	);
});

test("the audit names nothing where an order was placed while ORDER_TTL_MINUTES was another", async () => {
	const { pending } = shop.orders;
	await shop.damage(
		"orders",
		`${set(pending, "expires_at = expires_at + interval '10 days'")};
		UPDATE idempotency_keys SET answer = jsonb_set(answer, '{order,expires_at}', (
			SELECT to_jsonb(expires_at) FROM orders WHERE id = '${pending.id}'
		)) WHERE answer->'order'->>'id' = '${pending.id}'`,
	);
	expect(await shop.breaches()).toEqual([]);
	await shop.restore();
});

test("a check that fails is named, and the others go on", async () => {
	const { pending } = shop.orders;
	await shop.damage(
		"orders",
		`ALTER TABLE sandbox_charges RENAME TO elsewhere; ${set(pending, "currency = 'USD'")}; DELETE FROM idempotency_keys`,
	);
	const failed = 'could not be checked: relation "sandbox_charges" does not exist';
	expect(await shop.breaches()).toEqual([
		`order ${pending.number} is in USD, but the shop's currency is IDR`,
		`check "a payment equals its order's total" ${failed}`,
		`check "payments match the provider's charges" ${failed}`,
		`order ${pending.number} is in USD, but in IDR in order.placed`,
	]);
	await shop.damage("orders", "ALTER TABLE elsewhere RENAME TO sandbox_charges");
	await shop.restore();
});

test("the audit says what to do about each finding", async () => {
	const { results } = await audit(shop.sources, 20_000, 20);
	expect(results.filter(({ remedy }) => !/^\S.{30,}\.$/.test(remedy))).toEqual([]);
});

describe("the audit names an order that is gone with all its rows in orders", () => {
	const remove = ({ id }: Made) => `DELETE FROM order_lines WHERE order_id = '${id}';
		DELETE FROM order_history WHERE order_id = '${id}'; DELETE FROM reservations WHERE order_id = '${id}';
		DELETE FROM orders WHERE id = '${id}'`;
	testBreaches(
		() => shop,
		[
			[
				"but its key and the number of its events",
				"orders",
				({ orders }) => remove(orders.cancelled),
				({ orders: { cancelled } }) => [
					" has an order that does not exist",
					`order:${cancelled.id} published 2 events, but does not exist`,
					`order:${cancelled.id} does not exist, but published order.placed`,
					`order:${cancelled.id} does not exist, but published order.cancelled`,
					`order:${cancelled.id} does not exist, but notifications has processed its events and has 2 messages for it`,
				],
			],
			[
				"and everything that could name it there",
				"orders",
				({ orders: { cancelled } }) => `${remove(cancelled)}; DELETE FROM idempotency_keys;
					DELETE FROM event_sequences WHERE aggregate = 'order:${cancelled.id}'`,
				({ orders: { cancelled } }) => [
					`event at `,
					`event at `,
					`order:${cancelled.id} does not exist, but notifications has processed its events and has 2 messages for it`,
				],
			],
			[
				"while its job is left",
				"orders",
				({ orders: { pending } }) => `${remove(pending)}; DELETE FROM idempotency_keys;
					DELETE FROM event_sequences WHERE aggregate = 'order:${pending.id}';
					SELECT graphile_worker.add_job('restock_order', '{"order_id": "${pending.id}"}',
						run_at => now() + interval '4 minutes', max_attempts => 32767, job_key => 'restock:${pending.id}')`,
				({ orders: { pending } }) => [
					`event at `,
					`is restock_order of restock:${pending.id}, which does not exist`,
					`order:${pending.id} does not exist, but notifications has processed its events and has 1 messages for it`,
				],
			],
		],
	);
});

test("the audit names a pending order that nobody ends, while no process sweeps", async () => {
	const service = shop.broker.getLocalService({ name: "orders", version: 1 }) as unknown as {
		sweeping: { stop(): Promise<void> }[];
	};
	await Promise.all(service.sweeping.map((sweep) => sweep.stop()));
	const { pending } = shop.orders;
	await shop.damage(
		"orders",
		`DELETE FROM idempotency_keys; ${set(pending, "expires_at = now() - interval '6 minutes'")}`,
	);
	expect(await shop.breaches()).toEqual([
		expect.stringMatching(`^hold ${pending.reservation_id} of product .* expires at`),
		expect.stringContaining(`order ${pending.number} should have expired at`),
	]);
	await shop.restore();
});
