import { randomUUID } from "node:crypto";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import { callAction } from "../../contracts/actions.ts";
import { STOCK_MAX } from "../../contracts/product-schemas.ts";
import { asService } from "../../middlewares/permissions.ts";
import type { ProductDocument } from "../../services/products/documents.ts";
import { repair } from "../../tools/audit/repair.ts";
import { AuditedProducts } from "./audited-products.ts";
import { eventually, stockOf } from "./shop.ts";
import { stores } from "./stores.ts";

describe.each(stores)("with products on %s, the audit names", (_, url) => {
	const shop = new AuditedProducts(url);

	beforeAll(() => shop.start());
	afterEach(() => shop.undo());
	afterAll(() => shop.stop());

	test("units that came in without a reason, and books them as a repair", async () => {
		const kopi = await shop.product();
		await shop.change(kopi.id, { $inc: { stock: 2, supplied: 2 } });
		const breach = await shop.found();
		expect(breach).toEqual([
			expect.objectContaining({
				document: `ledger of product ${kopi.id} (${kopi.name})`,
				what: "accounts for 10 units, but 12 were supplied",
			}),
		]);
		const said: string[] = [];
		await repair(breach, true, (line) => said.push(line));
		expect(said).toEqual([`product ${kopi.id}: 2 units recorded as a repair`]);
		const { entries } = await callAction(shop.node, "v1.products.ledger", { product: kopi.id }, asService());
		expect(entries.at(-1)).toMatchObject({ reason: "repair", quantity: 2, by: "shop" });
	});

	test.each([
		[-11, "has a stock of -1"],
		[STOCK_MAX, `has a stock of ${STOCK_MAX + 10}, above the limit of ${STOCK_MAX}`],
	])("a stock that %d units have made impossible", async (units, what) => {
		const kopi = await shop.product();
		await shop.breakIt(kopi.id, { $inc: { stock: units, supplied: units, "ledger_sums.create": units } });
		expect(await shop.breaches()).toEqual([`product ${kopi.id} (${kopi.name}) ${what}`]);
	});

	const entry = (given: object) => ({ quantity: 0, at: new Date().toISOString(), ...given });
	const DAYS_AGO = new Date(Date.now() - 3 * 24 * 3_600_000).toISOString();

	test.each<[string, object, string]>([
		["holds that are null", { $set: { holds: null } }, "has holds that are not a list: null"],
		["no holds at all", { $unset: { holds: true } }, "has holds that are not a list: undefined"],
		["a ledger that is null", { $set: { ledger: null } }, "has a field ledger that is not an object: null"],
		["an entry that is null", { $set: { ledger: { zz: null } } }, "has an invalid ledger entry zz: null"],
		[
			"an entry with no reason",
			{ $set: { ledger: { zz: entry({}) } } },
			"has the ledger entry zz with the reason undefined",
		],
		[
			"an entry with a reason that there is not",
			{ $set: { ledger: { zz: entry({ reason: "gift" }) } } },
			'has the ledger entry zz with the reason "gift"',
		],
		[
			"an entry of no time",
			{ $set: { ledger: { zz: entry({ reason: "admin", at: "x" }) } } },
			'has the ledger entry zz with the time "x"',
		],
		[
			"a sum with a reason that there is not",
			{ $set: { ledger_sums: { stolen: 10 } } },
			'has 10 units with the reason "stolen" in its ledger',
		],
		[
			"units raised together with a ledger that is absent",
			{ $unset: { ledger_sums: true }, $set: { stock: 19, supplied: 19, created_at: DAYS_AGO } },
			"has no ledger for its 19 supplied units",
		],
		["a price below nothing", { $set: { price_minor: -1 } }, "has an invalid price: -1"],
		["no name", { $set: { name: "" } }, 'has an invalid name: ""'],
	])("%s", async (_name, update, what) => {
		const kopi = await shop.product();
		await shop.breakIt(kopi.id, update);
		const [line, ...others] = await shop.breaches();
		expect([line?.replace(/\(.*?\)/, "()"), ...others]).toEqual([`product ${kopi.id} () ${what}`]);
	});

	test("sums that are null, and holds of no reservation", async () => {
		const kopi = await shop.product();
		const holds = [{ reservation_id: "zz", quantity: 1, expires_at: DAYS_AGO }, null];
		await shop.breakIt(kopi.id, { $set: { ledger_sums: null, holds } });
		expect((await shop.breaches()).toSorted()).toEqual(
			[
				`ledger of product ${kopi.id} (${kopi.name}) accounts for 0 units, but 10 were supplied`,
				`product ${kopi.id} (${kopi.name}) has an invalid hold: ${JSON.stringify(holds[0])}`,
				`product ${kopi.id} (${kopi.name}) has an invalid hold: null`,
				`product ${kopi.id} (${kopi.name}) has a field ledger_sums that is not an object: null`,
			].toSorted(),
		);
	});

	test("a document that is no product", async () => {
		const stray = { _id: `stray${randomUUID()}` };
		shop.made.push(stray._id);
		await shop.store.insert(stray as ProductDocument);
		shop.mend = async () => {
			await shop.remove(stray._id);
			// The file records that it existed.
			shop.made.pop();
		};
		expect(await shop.breaches()).toContain(
			`product ${stray._id} (undefined) has holds that are not a list: undefined`,
		);
	});

	test.each([
		["that ends in a far year", "2999-01-01T00:00:00.000Z"],
		["that ended before its order was placed", "1970-01-01T00:00:00.000Z"],
		["that ends two hours after its order", new Date(Date.now() + 3 * 3_600_000).toISOString()],
		["that ends at null", null],
		["that ends at no time", "x"],
	])("a hold of a pending order %s", async (_name, expires_at) => {
		const kopi = await shop.product();
		const order = await shop.buyer.call("v1.orders.place", { items: [{ product_id: kopi.id, quantity: 1 }] });
		shop.made.push(order.number);
		await shop.breakIt(kopi.id, { $set: { "holds.0.expires_at": expires_at } });
		expect(await shop.breaches()).toEqual([
			expect.stringMatching(
				`^hold .* of product ${kopi.id} expires at ${expires_at}, but order ${order.number} at 20`,
			),
		]);
	});

	test("a hold of an order that has no such product", async () => {
		const [kopi, teh] = [await shop.product(), await shop.product()];
		const order = await shop.buyer.call("v1.orders.place", { items: [{ product_id: kopi.id, quantity: 1 }] });
		const [hold] = (await shop.document(kopi.id)).holds;
		await shop.breakIt(teh.id, { $inc: { stock: -1 }, $set: { holds: [hold] } });
		expect(await shop.breaches()).toEqual([
			`hold ${hold?.reservation_id} of product ${teh.id} belongs to order ${order.number}, which does not contain this product`,
		]);
	});

	test("a product that is gone, and was ordered in cancelled orders only", async () => {
		const kopi = await shop.product();
		const order = await shop.buyer.call("v1.orders.place", { items: [{ product_id: kopi.id, quantity: 1 }] });
		await shop.buyer.call("v1.orders.cancel", { id: order.id });
		await eventually("the units to return", async () => (await stockOf(shop.node, kopi.id))?.held === 0);
		const document = await shop.document(kopi.id);
		await shop.remove(kopi.id);
		shop.mend = () => shop.store.insert(document);
		expect(await shop.breaches()).toContain(`product ${kopi.id} is in orders, but does not exist`);
	});

	test("a product that is ordered continually, and only it", async () => {
		const kopi = await shop.product();
		let isBusy = true;
		const ordering = Promise.all(
			[1, 2].map(async () => {
				while (isBusy) {
					const items = [{ product_id: kopi.id, quantity: 1 }];
					// Units of cancelled orders come back by an event: for a moment there may be none left.
					const order = await shop.buyer.call("v1.orders.place", { items }).catch((error) => {
						expect(error).toMatchObject({ type: "OUT_OF_STOCK" });
					});
					if (order) {
						await shop.buyer.call("v1.orders.cancel", { id: order.id });
					}
				}
			}),
		);
		let seen: string[] = [];
		try {
			expect(await shop.breaches()).toEqual([]);
			await shop.change(kopi.id, { $inc: { stock: 1 } });
			shop.mend = () => shop.change(kopi.id, { $inc: { stock: -1 } });
			seen = await shop.breaches();
		} finally {
			isBusy = false;
			await ordering;
		}
		expect(seen).toEqual([expect.stringMatching(`^product ${kopi.id} \\(.*\\) supplied 10 ≠ stock`)]);
	});

	test("a restock of no order", async () => {
		const kopi = await shop.product();
		const order_id = randomUUID();
		const entry = { reason: "restock", quantity: 1, at: new Date().toISOString() };
		await shop.breakIt(kopi.id, {
			$inc: { stock: 1, supplied: 1 },
			$set: { [`ledger.${order_id}`]: entry },
		});
		expect(await shop.breaches()).toEqual([
			`restock ${order_id} of product ${kopi.id} belongs to no order with this product`,
			`product ${kopi.id} (${kopi.name}) got back 1 units from refunded orders, which have 0`,
		]);
	});

	test("a restock of an order whose units stayed away", async () => {
		const { product, order } = await shop.refunded(false);
		const entry = { reason: "restock", quantity: 2, at: new Date().toISOString() };
		await shop.breakIt(product.id, {
			$inc: { stock: 2, supplied: 2 },
			$set: { [`ledger.${order.id}`]: entry },
		});
		expect(await shop.breaches()).toContain(
			`restock ${order.id} of product ${product.id} belongs to order ${order.number}, which was not restocked`,
		);
	});

	test("a restock of more units than the order has", async () => {
		const { product, order } = await shop.refunded(true);
		await shop.breakIt(product.id, { $inc: { stock: 1, supplied: 1, [`ledger.${order.id}.quantity`]: 1 } });
		expect(await shop.breaches()).toEqual([
			`restock ${order.id} of product ${product.id} has 3 units, but order ${order.number} has 2`,
			`product ${product.id} (${product.name}) got back 3 units from refunded orders, which have 2`,
		]);
	});

	test("a restock that the product does not remember", async () => {
		const { product, order } = await shop.refunded(true);
		await shop.breakIt(product.id, {
			$inc: { "ledger_sums.admin": 2 },
			$unset: { [`ledger.${order.id}`]: true, [`restocks.${order.id}`]: true },
		});
		expect(await shop.breaches()).toEqual([
			`order ${order.number} was refunded, but product ${product.id} has no restock of its 2 units`,
			`product ${product.id} (${product.name}) got back 0 units from refunded orders, which have 2`,
		]);
	});

	test("nothing where ledgers are folded, or were begun by an earlier version", async () => {
		const [one, other] = [await shop.refunded(true), await shop.refunded(true)];
		await shop.products.sweeper.foldLedgers(Date.now() + 25 * 3_600_000);
		// All orders must be a day older, too.
		await shop.orders("UPDATE order_history SET at = at - interval '25 hours'");
		await shop.orders("UPDATE orders SET created_at = created_at - interval '25 hours'");
		expect((await shop.store.findOne({ _id: one.product.id }))?.ledger_sums).toEqual({
			create: 10,
			restock: 2,
		});
		await shop.change(other.product.id, { $unset: { ledger: true, ledger_sums: true } });
		expect(await shop.breaches()).toEqual([]);
	});

	test("a hold of no order that ends in a far year, and repairs it", async () => {
		const kopi = await shop.product();
		const reservation_id = randomUUID();
		const hold = { reservation_id, quantity: 1, expires_at: "2999-01-01T00:00:00.000Z" };
		await shop.change(kopi.id, { $inc: { stock: -1 }, $push: { holds: hold } });
		const breach = await shop.found();
		expect(breach).toEqual([
			expect.objectContaining({
				reservation_id,
				what: expect.stringMatching(/^belongs to no order and expires at 2999/),
			}),
		]);
		await repair(breach, true, () => undefined);
		expect(await stockOf(shop.node, kopi.id)).toMatchObject({ stock: 10, held: 0 });
	});
});
