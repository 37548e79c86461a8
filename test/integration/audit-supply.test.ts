import { randomUUID } from "node:crypto";
import { mkdir, readFile, rename, rmdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import type { ServiceBroker } from "moleculer";
import { settings } from "../../config/settings.ts";
import { callAction } from "../../contracts/actions.ts";
import { STOCK_MAX } from "../../contracts/products.ts";
import { asService } from "../../middlewares/permissions.ts";
import type { DocumentService } from "../../mixins/documents.ts";
import type { JobsService } from "../../mixins/jobs.ts";
import type { ProductDocument } from "../../services/products/documents.ts";
import type { Sweeper } from "../../services/products/sweeper.ts";
import { audit } from "../../tools/audit/audit.ts";
import { repair } from "../../tools/audit/repair.ts";
import type { Sources } from "../../tools/audit/snapshot.ts";
import { openSources } from "../../tools/audit/sources.ts";
import { setVariables } from "../variables.ts";
import { eventually, newProduct, newUser, type Person, startNode, stockOf } from "./shop.ts";
import { chooseStore, stores } from "./stores.ts";

let others: ServiceBroker;
let buyer: Person;

describe.each(stores)("with products on %s, the audit names", (_, url) => {
	let shop: ServiceBroker;
	let sources: Sources;
	const made = ["products.db"];
	/** Undoes the damage of the running test; afterwards the audit finds nothing. */
	let mend: () => Promise<unknown> = async () => undefined;

	beforeAll(async () => {
		chooseStore(url);
		others = await startNode("users", "orders", "notifications");
		buyer = await newUser(others);
		shop = await startNode("products");
		sources = await openSources();
		setVariables({ MONGO_URL: undefined });
		// The sweeper would repair the damage done by these tests.
		await products().sweeper.stop();
		await others.waitForServices({ name: "products", version: 1 });
	});
	afterAll(async () => {
		await sources.close();
		await shop.stop();
		await others.stop();
	});
	afterEach(async () => {
		await mend();
		mend = async () => undefined;
		expect(await breaches()).toEqual([]);
	});

	const products = () =>
		shop.getLocalService({ name: "products", version: 1 }) as unknown as DocumentService<ProductDocument> & {
			sweeper: Sweeper;
		};
	const store = () => products().adapter;
	const orders = (text: string, values: unknown[] = []) =>
		(others.getLocalService({ name: "orders", version: 1 }) as unknown as JobsService).pool.query(
			text,
			values,
		);
	/** Returns the breaches of products created on this store: orders of the other store have no products here. */
	const found = async () =>
		(await audit(sources, 20_000, 50)).breaches.filter(({ document, what }) =>
			["check ", ...made].some((part) => `${document} ${what}`.includes(part)),
		);
	const breaches = async () => (await found()).map(({ document, what }) => `${document} ${what}`);
	async function product() {
		const added = await newProduct(shop, 10);
		made.push(added.id);
		return added;
	}
	const change = (id: string, update: object) => store().updateMany({ _id: id }, update);
	/** Like `change`, but undone at the end. */
	const breakIt = async (id: string, update: object) => {
		const before = (await store().findOne({ _id: id })) as ProductDocument;
		await change(id, update);
		mend = () => {
			const { _id, ...fields } = before;
			const added = ["ledger", "restocks"].filter((field) => !(field in fields));
			const $unset = Object.fromEntries(added.map((field) => [field, true]));
			return change(id, { $set: fields, ...(added.length > 0 ? { $unset } : {}) });
		};
	};

	const remove = async (id: string) => {
		await (store() as unknown as { removeMany(query: object): Promise<unknown> }).removeMany({ _id: id });
		await store().count({});
	};

	async function refunded(restock: boolean) {
		const kopi = await product();
		const order = await buyer.call("v1.orders.place", {
			items: [{ product_id: kopi.id, quantity: 2 }],
			idempotency_key: randomUUID(),
		});
		await buyer.call("v1.orders.pay", { id: order.id });
		await callAction(others, "v1.orders.refund", { id: order.id, restock }, asService());
		await eventually("the units to be where they belong", async () => {
			const { rows } = await orders("SELECT restock_done FROM orders WHERE id = $1", [order.id]);
			const { held, supplied } = (await stockOf(shop, kopi.id)) ?? {};
			return held === 0 && (!restock || (rows[0].restock_done && supplied === 12));
		});
		made.push(order.number);
		return { product: kopi, order };
	}

	test("units that came in without a reason, and books them as a repair", async () => {
		const kopi = await product();
		await change(kopi.id, { $inc: { stock: 2, supplied: 2 } });
		const breach = await found();
		expect(breach).toEqual([
			expect.objectContaining({
				document: `ledger of product ${kopi.id} (${kopi.name})`,
				what: "accounts for 10 units, but 12 were supplied",
			}),
		]);
		const said: string[] = [];
		await repair(breach, true, (line) => said.push(line));
		expect(said).toEqual([`product ${kopi.id}: 2 units recorded as a repair`]);
		const { entries } = await callAction(shop, "v1.products.ledger", { product: kopi.id }, asService());
		expect(entries.at(-1)).toMatchObject({ reason: "repair", quantity: 2, by: "shop" });
	});

	test.each([
		[-11, "has a stock of -1"],
		[STOCK_MAX, `has a stock of ${STOCK_MAX + 10}, above the limit of ${STOCK_MAX}`],
	])("a stock that %d units have made impossible", async (units, what) => {
		const kopi = await product();
		await breakIt(kopi.id, { $inc: { stock: units, supplied: units, "ledger_sums.create": units } });
		expect(await breaches()).toEqual([`product ${kopi.id} (${kopi.name}) ${what}`]);
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
		const kopi = await product();
		await breakIt(kopi.id, update);
		const [line, ...others] = await breaches();
		expect([line?.replace(/\(.*?\)/, "()"), ...others]).toEqual([`product ${kopi.id} () ${what}`]);
	});

	test("sums that are null, and holds of no reservation", async () => {
		const kopi = await product();
		const holds = [{ reservation_id: "zz", quantity: 1, expires_at: DAYS_AGO }, null];
		await breakIt(kopi.id, { $set: { ledger_sums: null, holds } });
		expect((await breaches()).toSorted()).toEqual(
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
		made.push(stray._id);
		await store().insert(stray as ProductDocument);
		mend = async () => {
			await remove(stray._id);
			// The file records that it existed.
			made.pop();
		};
		expect(await breaches()).toContain(
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
		const kopi = await product();
		const order = await buyer.call("v1.orders.place", { items: [{ product_id: kopi.id, quantity: 1 }] });
		made.push(order.number);
		await breakIt(kopi.id, { $set: { "holds.0.expires_at": expires_at } });
		expect(await breaches()).toEqual([
			expect.stringMatching(
				`^hold .* of product ${kopi.id} expires at ${expires_at}, but order ${order.number} at 20`,
			),
		]);
	});

	test("a hold of an order that has no such product", async () => {
		const [kopi, teh] = [await product(), await product()];
		const order = await buyer.call("v1.orders.place", { items: [{ product_id: kopi.id, quantity: 1 }] });
		const [hold] = ((await store().findOne({ _id: kopi.id })) as ProductDocument).holds;
		await breakIt(teh.id, { $inc: { stock: -1 }, $set: { holds: [hold] } });
		expect(await breaches()).toEqual([
			`hold ${hold?.reservation_id} of product ${teh.id} belongs to order ${order.number}, which does not contain this product`,
		]);
	});

	test("a product that is gone, and was ordered in cancelled orders only", async () => {
		const kopi = await product();
		const order = await buyer.call("v1.orders.place", { items: [{ product_id: kopi.id, quantity: 1 }] });
		await buyer.call("v1.orders.cancel", { id: order.id });
		await eventually("the units to return", async () => (await stockOf(shop, kopi.id))?.held === 0);
		const document = (await store().findOne({ _id: kopi.id })) as ProductDocument;
		await remove(kopi.id);
		mend = () => store().insert(document);
		expect(await breaches()).toContain(`product ${kopi.id} is in orders, but does not exist`);
	});

	test("a product that is ordered all the time, and only it", async () => {
		const kopi = await product();
		let isBusy = true;
		const ordering = Promise.all(
			[1, 2].map(async () => {
				while (isBusy) {
					const items = [{ product_id: kopi.id, quantity: 1 }];
					const order = await buyer.call("v1.orders.place", { items });
					await buyer.call("v1.orders.cancel", { id: order.id });
				}
			}),
		);
		let seen: string[] = [];
		try {
			expect(await breaches()).toEqual([]);
			await change(kopi.id, { $inc: { stock: 1 } });
			mend = () => change(kopi.id, { $inc: { stock: -1 } });
			seen = await breaches();
		} finally {
			isBusy = false;
			await ordering;
		}
		expect(seen).toEqual([expect.stringMatching(`^product ${kopi.id} \\(.*\\) supplied 10 ≠ stock`)]);
	});

	test("a restock of no order", async () => {
		const kopi = await product();
		const order_id = randomUUID();
		const entry = { reason: "restock", quantity: 1, at: new Date().toISOString() };
		await breakIt(kopi.id, {
			$inc: { stock: 1, supplied: 1 },
			$set: { [`ledger.${order_id}`]: entry },
		});
		expect(await breaches()).toEqual([
			`restock ${order_id} of product ${kopi.id} belongs to no order with this product`,
			`product ${kopi.id} (${kopi.name}) got back 1 units from refunded orders, which have 0`,
		]);
	});

	test("a restock of an order whose units stayed away", async () => {
		const { product, order } = await refunded(false);
		const entry = { reason: "restock", quantity: 2, at: new Date().toISOString() };
		await breakIt(product.id, {
			$inc: { stock: 2, supplied: 2 },
			$set: { [`ledger.${order.id}`]: entry },
		});
		expect(await breaches()).toContain(
			`restock ${order.id} of product ${product.id} belongs to order ${order.number}, which was not restocked`,
		);
	});

	test("a restock of more units than the order has", async () => {
		const { product, order } = await refunded(true);
		await breakIt(product.id, { $inc: { stock: 1, supplied: 1, [`ledger.${order.id}.quantity`]: 1 } });
		expect(await breaches()).toEqual([
			`restock ${order.id} of product ${product.id} has 3 units, but order ${order.number} has 2`,
			`product ${product.id} (${product.name}) got back 3 units from refunded orders, which have 2`,
		]);
	});

	test("a restock that the product does not remember", async () => {
		const { product, order } = await refunded(true);
		await breakIt(product.id, {
			$inc: { "ledger_sums.admin": 2 },
			$unset: { [`ledger.${order.id}`]: true, [`restocks.${order.id}`]: true },
		});
		expect(await breaches()).toEqual([
			`order ${order.number} was refunded, but product ${product.id} has no restock of its 2 units`,
			`product ${product.id} (${product.name}) got back 0 units from refunded orders, which have 2`,
		]);
	});

	test("nothing where ledgers are folded, or were begun by an earlier version", async () => {
		const [one, other] = [await refunded(true), await refunded(true)];
		await products().sweeper.foldLedgers(Date.now() + 25 * 3_600_000);
		// All orders must be a day older, too.
		await orders("UPDATE order_history SET at = at - interval '25 hours'");
		await orders("UPDATE orders SET created_at = created_at - interval '25 hours'");
		expect((await store().findOne({ _id: one.product.id }))?.ledger_sums).toEqual({ create: 10, restock: 2 });
		await change(other.product.id, { $unset: { ledger: true, ledger_sums: true } });
		expect(await breaches()).toEqual([]);
	});

	test("a hold of no order that ends in a far year, and repairs it", async () => {
		const kopi = await product();
		const reservation_id = randomUUID();
		const hold = { reservation_id, quantity: 1, expires_at: "2999-01-01T00:00:00.000Z" };
		await change(kopi.id, { $inc: { stock: -1 }, $push: { holds: hold } });
		const breach = await found();
		expect(breach).toEqual([
			expect.objectContaining({
				reservation_id,
				what: expect.stringMatching(/^belongs to no order and expires at 2999/),
			}),
		]);
		await repair(breach, true, () => undefined);
		expect(await stockOf(shop, kopi.id)).toMatchObject({ stock: 10, held: 0 });
	});

	if (!url) {
		const file = () => join(settings.directory, "products.db");

		test.each([
			["in the middle", (lines: string[]) => Math.floor(lines.length / 2)],
			["at the end", (lines: string[]) => lines.length - 2],
		])("a line %s of the products' file that is damaged", async (_place, choose) => {
			await product();
			const text = await readFile(file(), "utf8");
			const lines = text.trimEnd().split("\n");
			const number = choose(lines) - (lines[choose(lines)]?.startsWith('{"$$batch"') ? 1 : 0);
			const broken = [...lines];
			broken[number] = (lines[number] as string).replace(":", ": ");
			await writeFile(file(), `${broken.join("\n")}\n`);
			mend = () => writeFile(file(), text);
			expect(await breaches()).toContainEqual(
				expect.stringMatching(/^file products.db is damaged between lines/),
			);
		});

		const batch = (line: string) => {
			const bytes = Buffer.from(`${line}\n`);
			return `${line}\n{"$$batch":{"bytes":${bytes.length},"crc32":${crc32(bytes)}}}\n`;
		};

		test.each([
			["no JSON", (text: string) => text + batch("{broken")],
			["null", (text: string) => text + batch("null")],
			["blank", (text: string) => text + batch(" ")],
			[
				"no JSON before the first mark",
				(text: string) => `{broken\n{"$$batch":{"bytes":0,"crc32":0}}\n${text}`,
			],
		])("a line of the products' file that is %s, as the next start does", async (_name, broken) => {
			await product();
			const text = await readFile(file(), "utf8");
			await writeFile(file(), broken(text));
			mend = () => writeFile(file(), text);
			const lines = await breaches();
			expect(lines).toEqual([
				expect.stringMatching(/^line \d+ of products.db cannot be read: the next start refuses the file$/),
			]);
		});

		test("two products of one sku, with which the next start fails", async () => {
			const { id } = await product();
			const document = (await store().findOne({ _id: id })) as ProductDocument;
			const text = await readFile(file(), "utf8");
			await writeFile(file(), text + batch(JSON.stringify({ ...document, _id: `${id}twice` })));
			mend = () => writeFile(file(), text);
			expect(await breaches()).toEqual([
				expect.stringMatching(`^product ${id}.* has the sku ${document.sku}, which another product has too$`),
			]);
		});

		test("a products' file that is a folder, while the other checks go on", async () => {
			await rename(file(), `${file()}.aside`);
			await mkdir(file());
			mend = async () => {
				await rmdir(file());
				await rename(`${file()}.aside`, file());
			};
			const { breaches: all, results } = await audit(sources, 20_000, 50);
			const lines = all.map(({ document, what }) => `${document} ${what}`);
			expect(lines).toEqual(
				expect.arrayContaining(
					["products and their holds", "the products' file"].map((about) =>
						expect.stringMatching(`^check "${about}" could not be checked: EISDIR`),
					),
				),
			);
			expect(results.map(({ check }) => check)).toContain("an order has a valid history");
		});

		test("a product that was deleted although nobody ordered it", async () => {
			const { id } = await product();
			const document = (await store().findOne({ _id: id })) as ProductDocument;
			await remove(id);
			mend = () => store().insert(document);
			expect(await breaches()).toEqual([`product ${id} was deleted from the file`]);
		});
	}
});
