import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { AuditedShop, testBreaches } from "./audited-shop.ts";

let shop: AuditedShop;

beforeAll(async () => {
	shop = await AuditedShop.start();
});

afterAll(() => shop.stop());

describe("the audit names a job of orders", () => {
	const add = (task: string, key: string, payload: object, more = "max_attempts => 32767") =>
		`SELECT graphile_worker.add_job('${task}', '${JSON.stringify(payload)}', run_at => now() + interval '4 minutes',
			job_key => '${key}', ${more})`;
	testBreaches(
		() => shop,
		[
			[
				"that is done for something else than its key says",
				"orders",
				({ orders: { refunded, late } }) =>
					add("refund_payment", `refund:${refunded.reference}`, { reference: late.reference }),
				({ orders: { refunded, late } }) => [
					`refund_payment has the key refund:${refunded.reference}, but its payload names ${late.reference}`,
				],
			],
			[
				"that is done for nothing",
				"orders",
				({ orders: { refunded } }) => add("restock_order", `restock:${refunded.id}`, {}),
				({ orders: { refunded } }) => [
					`restock_order has the key restock:${refunded.id}, but its payload names nothing`,
				],
			],
			[
				"whose payload no text can hold",
				"orders",
				() => add("release_stock", "stock:x", { reservation_id: "x\0" }),
				() => ["release_stock has the key stock:x, but its payload names nothing"],
			],
			[
				"that has the key of another task",
				"orders",
				({ orders: { refunded } }) => add("forget_old_keys", `refund:${refunded.reference}`, {}),
				({ orders: { refunded } }) => [
					`forget_old_keys has the key refund:${refunded.reference}, which belongs to refund_payment`,
				],
			],
			[
				"of a task that there is not",
				"orders",
				() => add("no_such_task", "x", {}),
				() => ["no_such_task is not a task of orders"],
			],
			[
				"that would give money back which was paid for good",
				"orders",
				({ orders: { paid } }) =>
					add("refund_payment", `refund:${paid.reference}`, { reference: paid.reference }),
				({ orders: { paid } }) => [`refunds payment ${paid.reference}, which is settled`],
			],
			[
				"that would put units on sale that are with a buyer",
				"orders",
				({ orders: { shipped } }) => add("restock_order", `restock:${shipped.id}`, { order_id: shipped.id }),
				({ orders: { shipped } }) => [`restocks order ${shipped.number}, which is shipped`],
			],
			[
				"that would take the units of an order that nobody has paid",
				"orders",
				({ orders: { pending } }) =>
					add("consume_stock", `stock:${pending.id}`, { reservation_id: pending.reservation_id }),
				({ orders: { pending } }) => [`consume_stock belongs to order ${pending.number}, which is pending`],
			],
			[
				"that is given up after one try",
				"orders",
				() => add("release_stock", "stock:x", { reservation_id: "x" }, "max_attempts => 1"),
				() => ["release_stock is limited to 1 tries, but must be retried until it succeeds"],
			],
			[
				"that is put off for longer than after as many failures",
				"orders",
				() => `${add("release_stock", "stock:x", { reservation_id: "x" })};
					UPDATE graphile_worker._private_jobs SET attempts = 5, run_at = now() + interval '6 hours' WHERE key = 'stock:x'`,
				() => ["release_stock is postponed to"],
			],
			[
				"that is postponed to infinity",
				"orders",
				() => `${add("release_stock", "stock:x", { reservation_id: "x" })};
					UPDATE graphile_worker._private_jobs SET run_at = 'infinity' WHERE key = 'stock:x'`,
				() => ["release_stock is postponed to infinity"],
			],
		],
	);
});

test("the audit names a sweep that is scheduled years ahead", async () => {
	const sweeps = "graphile_worker._private_known_crontabs";
	await shop.damage("orders", `UPDATE ${sweeps} SET last_execution = '2999-01-01Z'`);
	expect(await shop.breaches()).toEqual([
		expect.stringMatching(/^sweep forget_deleted_users of orders last started at 2999/),
		expect.stringMatching(/^sweep forget_old_keys of orders last started at 2999/),
	]);
	await shop.damage("orders", `UPDATE ${sweeps} SET last_execution = NULL`);
});

describe("the audit names a job", () => {
	const jobs = "graphile_worker._private_jobs";
	const add = (name: string) =>
		`SELECT graphile_worker.add_job('${name}', '{}', run_at => '2999-01-01Z', job_key => 'event:order:lost#1')`;
	testBreaches(
		() => shop,
		(["users", "orders", "notifications"] as const).flatMap((database) => [
			[
				`of ${database} that is postponed to a far year`,
				database,
				() => add("publish_event"),
				() => [`of ${database} publish_event is postponed to 2999-01-01`],
			],
			[
				`of ${database} that was given up`,
				database,
				() => `${add("publish_event")}; UPDATE ${jobs} SET attempts = max_attempts WHERE key LIKE '%lost#1'`,
				() => [`of ${database} publish_event failed permanently`],
			],
			[
				`of ${database} that is locked for ever`,
				database,
				() => `${add("publish_event").replace("'2999-01-01Z'", "now()")};
					UPDATE ${jobs} SET locked_at = '2999-01-01Z', locked_by = 'nobody' WHERE key LIKE '%lost#1'`,
				() => [
					`of ${database} publish_event is locked since 2999-01-01 00:00:00 by nobody, but no worker runs it`,
				],
			],
		]),
	);

	test("that is put off, and the event that it would have published before there was a table of them", async () => {
		const { paid } = shop.orders;
		await shop.damage("notifications", `UPDATE inbox SET sequence = 1 WHERE aggregate = 'order:${paid.id}'`);
		await shop.damage("orders", add("publish_event").replace("order:lost#1", `order:${paid.id}#2`));
		expect(await shop.breaches()).toEqual([
			`order ${paid.number} event 1 of 2 was the last one processed`,
			expect.stringContaining("publish_event is postponed to 2999-01-01"),
		]);
		await shop.restore();
	});
});
