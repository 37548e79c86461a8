import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { ServiceBroker } from "moleculer";
import { callAction, withKey } from "../../contracts/actions.ts";
import { asService } from "../../middlewares/permissions.ts";
import type { DocumentService } from "../../mixins/documents.ts";
import type { ProductDocument } from "../../services/products/documents.ts";
import { accounted } from "../../services/products/ledger.ts";
import type { Sweeper } from "../../services/products/sweeper.ts";
import { setVariables } from "../variables.ts";
import { admin, eventually, newProduct, type Person, startNode } from "./shop.ts";
import { chooseStore, stores } from "./stores.ts";

const DAY_MS = 86_400_000;

describe.each(stores)("the ledger of a product on %s", (_, url) => {
	let broker: ServiceBroker;
	let keeper: Person;

	async function start(): Promise<void> {
		chooseStore(url);
		broker = await startNode("users", "orders", "products");
		setVariables({ MONGO_URL: undefined });
		await products().sweeper.stop();
	}

	/** Starts another process of this version. */
	async function beside(): Promise<ServiceBroker> {
		setVariables({ MONGO_URL: url });
		const other = await startNode("products");
		setVariables({ MONGO_URL: undefined });
		await eventually(
			"the other to be seen",
			async () => broker.registry.getServiceList({ onlyAvailable: true }).filter(isProducts).length === 2,
		);
		return other;
	}

	const isProducts = ({ name }: { name: string }) => name === "products";

	beforeAll(async () => {
		await start();
		keeper = await admin(broker);
	});
	afterAll(() => broker.stop());

	const products = () =>
		broker.getLocalService({
			name: "products",
			version: 1,
		}) as unknown as DocumentService<ProductDocument> & {
			sweeper: Sweeper;
		};
	const store = () => products().adapter;
	const document = async (id: string) => (await store().findOne({ _id: id })) as ProductDocument;
	const change = (id: string, quantity: number, key: string = randomUUID()) =>
		callAction(
			broker,
			"v1.products.changeStock",
			{ id, quantity },
			{ meta: { token: keeper.token, ...withKey("v1.products.changeStock", key).meta } },
		);
	const ledger = async (product: string) =>
		(await callAction(broker, "v1.products.ledger", { product }, asService())).entries;
	const isRight = async (id: string) => {
		const found = await document(id);
		expect(accounted(found)).toBe(found.supplied);
		return found;
	};
	/** Writes a product without a ledger, as an earlier version does. */
	const asBefore = (id: string) =>
		store().updateMany({ _id: id }, { $unset: { ledger: true, ledger_sums: true } });

	test("tells each change with its reason and who made it", async () => {
		const { id } = await newProduct(broker, 10);
		await change(id, 5);
		await change(id, -2);
		await callAction(broker, "v1.products.changeStock", { id, stock: 20, expected: 13 }, asService());
		const order_id = randomUUID();
		await callAction(broker, "v1.products.restock", { order_id, lines: [{ product_id: id, quantity: 1 }] });
		const by = `admin:${keeper.id}`;
		expect(await ledger(id)).toEqual([
			{ at: null, reason: "create", quantity: 10, by: null, id: null },
			expect.objectContaining({ reason: "admin", quantity: 5, by, at: expect.any(String) }),
			expect.objectContaining({ reason: "admin", quantity: -2, by }),
			expect.objectContaining({ reason: "admin", quantity: 7, by: "shop" }),
			expect.objectContaining({ reason: "restock", quantity: 1, id: order_id }),
		]);
		await isRight(id);
	});

	test("says that the first stock came from a catalogue", async () => {
		const sku = randomUUID();
		const line = { sku, name: "Batik", description: "", price: 1000, stock: 4, category: "batik", line: 2 };
		await callAction(broker, "v1.products.import", { file: "a".repeat(64), lines: [line] });
		expect(await ledger(sku)).toEqual([expect.objectContaining({ reason: "import", quantity: 4 })]);
	});

	test("is folded into sums once its entries are a day old, and accounts for all units before and after", async () => {
		const { id } = await newProduct(broker, 10);
		for (const quantity of [3, 4, -5]) {
			await change(id, quantity);
		}
		await products().sweeper.foldLedgers(Date.now() + DAY_MS - 60_000);
		expect(Object.keys((await isRight(id)).ledger ?? {})).toHaveLength(3);
		await Promise.all([1, 2].map(() => products().sweeper.foldLedgers(Date.now() + DAY_MS + 60_000)));
		expect(await isRight(id)).toMatchObject({ ledger: {}, ledger_sums: { create: 10, admin: 2 } });
		await change(id, 1);
		await isRight(id);
	});

	test("keeps a restock for as long as orders may ask for it again", async () => {
		const { id } = await newProduct(broker, 10);
		const order_id = randomUUID();
		const lines = [{ product_id: id, quantity: 2 }];
		await callAction(broker, "v1.products.restock", { order_id, lines });
		// No order with this id was restocked: it may be requested again.
		await products().sweeper.foldLedgers(Date.now() + 30 * DAY_MS);
		expect(await callAction(broker, "v1.products.restock", { order_id, lines })).toEqual({ lines: 0 });
		expect(await isRight(id)).toMatchObject({ stock: 12, ledger_sums: { create: 10 } });
	});

	test("of an earlier version's product begins with what it had, at the start and at a change", async () => {
		const [one, other] = [await newProduct(broker, 10), await newProduct(broker, 20)];
		await asBefore(other.id);
		await change(other.id, 1);
		expect(await isRight(other.id)).toMatchObject({ supplied: 21, ledger_sums: { earlier: 20 } });
		await asBefore(one.id);
		await broker.stop();
		await start();
		expect(await isRight(one.id)).toMatchObject({ ledger_sums: { earlier: 10 } });
	});

	test("knows a restock that an earlier version has made", async () => {
		const { id } = await newProduct(broker, 10);
		const order_id = randomUUID();
		await store().updateMany(
			{ _id: id },
			{
				$inc: { stock: 2, supplied: 2, "ledger_sums.earlier": 2 },
				$set: { [`restocks.${order_id}`]: new Date().toISOString() },
			},
		);
		const lines = [{ product_id: id, quantity: 2 }];
		expect(await callAction(broker, "v1.products.restock", { order_id, lines })).toEqual({ lines: 0 });
		expect((await isRight(id)).stock).toBe(12);
	});

	test("is right again after a process of an earlier version has run beside this one", async () => {
		const { id } = await newProduct(broker, 10);
		const earlier = () => store().updateMany({ _id: id }, { $inc: { stock: 3, supplied: 3 } });
		// Without an earlier process, a difference is a breach and stays one.
		await earlier();
		const others = url ? [await beside()] : [];
		await products().sweeper.bookEarlier();
		expect(accounted(await document(id))).toBe(10);
		await Promise.all(others.map((other) => other.stop()));

		const old = await startNode();
		old.createService({ name: "products", version: 1 });
		await eventually("the other to be seen", async () => {
			await products().sweeper.bookEarlier();
			return accounted(await document(id)) === 13;
		});
		await earlier();
		await change(id, 1);
		await old.stop();
		await eventually(
			"the other to be gone",
			async () => broker.registry.getNodeList({ onlyAvailable: true }).length === 1,
		);
		await products().sweeper.bookEarlier();
		expect(await isRight(id)).toMatchObject({ supplied: 17, ledger_sums: { create: 10, earlier: 6 } });
		// The transition period is over.
		await earlier();
		await products().sweeper.bookEarlier(Date.now() + 120_000);
		expect(accounted(await document(id))).toBe(17);
		await store().updateMany({ _id: id }, { $inc: { stock: -3, supplied: -3 } });
	});
});
