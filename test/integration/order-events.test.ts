import { afterAll, beforeAll, expect, test } from "@jest/globals";
import type { ServiceBroker } from "moleculer";
import { NotWritten } from "../../database/append-log.ts";
import type { StoreMetadata } from "../../database/document-store.ts";
import type { Sweeper } from "../../services/products/sweeper.ts";
import { eventually, newProduct, newUser, startNode, stockOf } from "./shop.ts";

let broker: ServiceBroker;
let products: { storeMetadata: StoreMetadata; sweeper: Sweeper };

beforeAll(async () => {
	broker = await startNode("users", "products", "orders");
	products = broker.getLocalService({ name: "products", version: 1 }) as never;
	// The sweeper would settle the remaining holds.
	await products.sweeper.stop();
});

afterAll(() => broker.stop());

test("the units of an order that was cancelled while the store took no writes are back when it takes them again", async () => {
	const buyer = await newUser(broker);
	const product = await newProduct(broker, 10);
	const order = await buyer.call("v1.orders.place", { items: [{ product_id: product.id, quantity: 3 }] });
	const { storeMetadata: notes } = products;
	const tried_at: number[] = [];
	const raise = async () => {
		tried_at.push(performance.now());
		throw new NotWritten("products.db", new Error("ENOSPC: no space left on device, write"));
	};
	products.storeMetadata = {
		read: (name) => notes.read(name),
		add: (...given) => notes.add(...given),
		raise,
	};
	const { adapter } = products as unknown as { adapter: { updateMany(...given: object[]): Promise<number> } };
	const { updateMany } = adapter;
	adapter.updateMany = raise;
	await buyer.call("v1.orders.cancel", { id: order.id });
	await eventually("three tries", async () => tried_at.length >= 6);
	expect(await stockOf(broker, product.id)).toMatchObject({ stock: 7, held: 3 });
	products.storeMetadata = notes;
	adapter.updateMany = updateMany;
	await eventually("the units to return", async () => (await stockOf(broker, product.id))?.stock === 10);
	// Each try writes a hold and a note. The delay before the next one is at least half of 250 ms, doubled with each try.
	const tries = tried_at.filter((_, write) => write % 2 === 0).slice(0, 3);
	expect((tries[1] as number) - (tries[0] as number)).toBeGreaterThan(200);
	expect((tries[2] as number) - (tries[1] as number)).toBeGreaterThan(400);
});
