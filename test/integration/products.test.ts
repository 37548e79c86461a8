import { randomUUID } from "node:crypto";
import { appendFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { ServiceBroker } from "moleculer";
import { settings } from "../../config/settings.ts";
import { callAction } from "../../contracts/actions.ts";
import { STOCK_MAX } from "../../contracts/product-schemas.ts";
import { asService } from "../../middlewares/permissions.ts";
import { setVariables } from "../variables.ts";
import { newProduct, startNode, stockOf } from "./shop.ts";
import { chooseStore, stores } from "./stores.ts";

describe.each(stores)("products on %s", (_, url) => {
	let broker: ServiceBroker;
	let nodes: ServiceBroker[];
	const soon = () => new Date(Date.now() + 60_000).toISOString();

	beforeAll(async () => {
		chooseStore(url);
		broker = await startNode("products");
		// With a server, two processes share the stock; a file has one owner.
		nodes = [broker, ...(url ? [await startNode("products")] : [])];
		setVariables({ MONGO_URL: undefined });
	});

	afterAll(async () => {
		await Promise.all(nodes.map((node) => node.stop()));
	});

	/** Reserves units in a new attempt, on one of the nodes. */
	function reserve(
		lines: { product_id: string; quantity: number }[],
		reservation_id = randomUUID(),
		attempt = 0,
	) {
		const node = nodes[attempt % nodes.length] as ServiceBroker;
		const params = { reservation_id, lines, expires_at: soon() };
		// On a busy machine, a thousand concurrent calls may exceed the default timeout, which would open the circuit
		// breaker.
		return callAction(node, "v1.products.reserve", params, { timeout: 120_000 }).then(() => reservation_id);
	}

	test("are added, found, changed and taken out of the shop", async () => {
		const product = await newProduct(broker, 7);
		expect(await callAction(broker, "v1.products.get", { id: product.id })).toEqual(product);
		const changed = await callAction(
			broker,
			"v1.products.update",
			{ id: product.id, price: 20_000, image_url: "https://toko.test/kopi.jpg" },
			asService(),
		);
		expect(changed).toMatchObject({
			name: product.name,
			price: 20_000,
			stock: 7,
			image_url: "https://toko.test/kopi.jpg",
		});
		await callAction(broker, "v1.products.remove", { id: product.id }, asService());
		for (const gone of [
			() => callAction(broker, "v1.products.get", { id: product.id }),
			() => callAction(broker, "v1.products.remove", { id: product.id }, asService()),
			() => callAction(broker, "v1.products.changeStock", { id: product.id, quantity: 1 }, asService()),
		]) {
			await expect(gone()).rejects.toMatchObject({ code: 404, type: "PRODUCT_NOT_FOUND" });
		}
	});

	test("are listed in the order in which they came, page by page and by category", async () => {
		const category = `k${randomUUID().slice(0, 8)}`;
		const added: string[] = [];
		for (let number = 0; number < 5; number++) {
			const given = { name: `Teh ${number}`, description: "", price: 1000, stock: 1, category };
			added.push((await callAction(broker, "v1.products.create", given, asService())).id);
		}
		const ids = async (page: { skip?: number; limit?: number }) =>
			(await callAction(broker, "v1.products.list", { ...page, category })).items.map(({ id }) => id);
		expect(await ids({})).toEqual(added);
		expect(await ids({ skip: 1, limit: 2 })).toEqual(added.slice(1, 3));
		expect(await callAction(broker, "v1.products.categories", {})).toContain(category);
	});

	test("get and lose stock by hand, never below zero", async () => {
		const { id } = await newProduct(broker, 3);
		const change = (quantity: number) =>
			callAction(broker, "v1.products.changeStock", { id, quantity }, asService());
		expect(await change(4)).toEqual({ message: "Stok berhasil diupdate", stock: 7 });
		expect(await change(-7)).toMatchObject({ stock: 0 });
		await expect(change(-1)).rejects.toMatchObject({ code: 409, type: "STOCK_WOULD_BE_NEGATIVE" });
		expect(await stockOf(broker, id)).toMatchObject({ stock: 0, supplied: 0, held: 0 });
	});

	test("get a stock that is set only where it was the expected one", async () => {
		const { id } = await newProduct(broker, 3);
		const set = (stock: number, expected: number) =>
			callAction(broker, "v1.products.changeStock", { id, stock, expected }, asService());
		expect(await set(10, 3)).toEqual({ message: "Stok berhasil diupdate", stock: 10 });
		await expect(set(12, 3)).rejects.toMatchObject({
			...{ code: 409, type: "STOCK_DIFFERS" },
			data: { stock: 10, expected: 3 },
		});
		const answers = await Promise.allSettled([1, 2, 3, 4, 5].map((number) => set(number, 10)));
		expect(answers.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
		const { stock, supplied } = (await stockOf(broker, id)) ?? {};
		expect([1, 2, 3, 4, 5]).toContain(stock);
		expect(supplied).toBe(stock);
	});

	test.each([
		[{}, "quantity"],
		[{ stock: 1 }, "expected"],
		[{ expected: 1 }, "stock"],
		[{ quantity: 1, stock: 1, expected: 1 }, "quantity"],
		[{ quantity: 1, expected: 1 }, "quantity"],
		[{ stock: -1, expected: 1 }, "stock"],
		[{ stock: 1.5, expected: 1 }, "stock"],
	])("keep their stock where %j is asked for", async (change, path) => {
		const { id } = await newProduct(broker, 3);
		await expect(
			callAction(broker, "v1.products.changeStock", { id, ...change }, asService()),
		).rejects.toMatchObject({
			type: "VALIDATION_FAILED",
			data: { errors: [expect.objectContaining({ path })] },
		});
		expect(await stockOf(broker, id)).toMatchObject({ stock: 3, supplied: 3 });
	});

	test("have no more than the limit, also when what is held comes back, and lose units there too", async () => {
		const { id } = await newProduct(broker, STOCK_MAX);
		const change = (quantity: number) =>
			callAction(broker, "v1.products.changeStock", { id, quantity }, asService());
		const reservation_id = await reserve([{ product_id: id, quantity: 10 }]);
		await expect(change(1)).rejects.toMatchObject({ code: 409, type: "STOCK_TOO_LARGE" });
		await expect(
			callAction(
				broker,
				"v1.products.changeStock",
				{ id, stock: STOCK_MAX, expected: STOCK_MAX - 10 },
				asService(),
			),
		).rejects.toMatchObject({ code: 409, type: "STOCK_TOO_LARGE" });
		await callAction(broker, "v1.products.release", { reservation_id });
		expect(await change(-5)).toMatchObject({ stock: STOCK_MAX - 5 });
		expect(await change(5)).toMatchObject({ stock: STOCK_MAX });
	});

	test("are never held more often than they are there, whoever asks", async () => {
		const { id } = await newProduct(broker, 50);
		const answers = await Promise.allSettled(
			Array.from({ length: 200 }, (_, attempt) =>
				reserve([{ product_id: id, quantity: 1 }], randomUUID(), attempt),
			),
		);
		expect(answers.filter(({ status }) => status === "fulfilled")).toHaveLength(50);
		expect(await stockOf(broker, id)).toMatchObject({ stock: 0, held: 50, supplied: 50 });
	});

	test("are held once for an attempt that arrives several times", async () => {
		const [one, two] = [await newProduct(broker, 50), await newProduct(broker, 50)];
		for (const products of [[one], [two, one]]) {
			const reservation_id = randomUUID();
			const lines = products.map(({ id }) => ({ product_id: id, quantity: 1 }));
			await reserve(lines, reservation_id);
			await Promise.all([1, 2, 3, 4].map((attempt) => reserve(lines, reservation_id, attempt)));
		}
		expect(await stockOf(broker, one.id)).toMatchObject({ stock: 48, held: 2 });
		expect(await stockOf(broker, two.id)).toMatchObject({ stock: 49, held: 1 });
	});

	test("are held once for an attempt that arrives several times at the same moment", async () => {
		const { id } = await newProduct(broker, 50);
		const reservation_id = randomUUID();
		const lines = [{ product_id: id, quantity: 1 }];
		await Promise.all([0, 1, 2, 3].map((attempt) => reserve(lines, reservation_id, attempt)));
		expect(await stockOf(broker, id)).toMatchObject({ stock: 49, held: 1 });
	});

	test("go to one of 1,000 who want the last unit", async () => {
		const { id } = await newProduct(broker, 1);
		const answers = await Promise.allSettled(
			Array.from({ length: 1000 }, (_, attempt) =>
				reserve([{ product_id: id, quantity: 1 }], randomUUID(), attempt),
			),
		);
		expect(answers.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
		for (const answer of answers) {
			expect(answer.status === "rejected" ? answer.reason.type : "OUT_OF_STOCK").toBe("OUT_OF_STOCK");
		}
	});

	test("are given back once, however often a release arrives", async () => {
		const { id } = await newProduct(broker, 5);
		const reservation_id = await reserve([{ product_id: id, quantity: 3 }]);
		const released = await Promise.all(
			nodes.flatMap((node) =>
				[1, 2, 3].map(() => callAction(node, "v1.products.release", { reservation_id })),
			),
		);
		expect(released.reduce((sum, { lines }) => sum + lines, 0)).toBe(1);
		expect(await stockOf(broker, id)).toMatchObject({ stock: 5, held: 0 });
	});

	test("are sold once; a release after that gives nothing back", async () => {
		const { id } = await newProduct(broker, 5);
		const reservation_id = await reserve([{ product_id: id, quantity: 3 }]);
		expect(await callAction(broker, "v1.products.consume", { reservation_id })).toEqual({ lines: 1 });
		expect(await callAction(broker, "v1.products.consume", { reservation_id })).toEqual({ lines: 0 });
		expect(await callAction(broker, "v1.products.release", { reservation_id })).toEqual({ lines: 0 });
		expect(await stockOf(broker, id)).toMatchObject({ stock: 2, held: 0, supplied: 5 });
	});

	test("of one order are held all or not at all", async () => {
		const [one, two] = [await newProduct(broker, 5), await newProduct(broker, 1)];
		const wanted = [one, two].map(({ id }) => ({ product_id: id, quantity: 2 }));
		await expect(reserve(wanted)).rejects.toMatchObject({ type: "OUT_OF_STOCK" });
		expect(await stockOf(broker, one.id)).toMatchObject({ stock: 5, held: 0 });
		expect(await stockOf(broker, two.id)).toMatchObject({ stock: 1, held: 0 });
	});

	test("come back once for each refunded order, however often it is asked", async () => {
		const { id } = await newProduct(broker, 5);
		const lines = [1, 2].map((quantity) => ({ product_id: id, quantity }));
		const [one, two] = [randomUUID(), randomUUID()];
		const asked = [one, two, one, one, two].flatMap((order_id) =>
			nodes.map((node) => callAction(node, "v1.products.restock", { order_id, lines })),
		);
		const restocked = (await Promise.all(asked)).reduce((sum, { lines }) => sum + lines, 0);
		expect(restocked).toBe(2);
		expect(await stockOf(broker, id)).toMatchObject({ stock: 11, supplied: 11, held: 0 });
	});

	test("do not come back by a request that is so late that the first one may be forgotten", async () => {
		const { id } = await newProduct(broker, 5);
		const asked_at = new Date(Date.now() - 2 * 60 * 60_000).toISOString();
		const lines = [{ product_id: id, quantity: 1 }];
		await expect(
			callAction(broker, "v1.products.restock", { order_id: randomUUID(), lines, asked_at }),
		).rejects.toThrow("is too old");
		expect(await stockOf(broker, id)).toMatchObject({ stock: 5, supplied: 5 });
	});

	describe("from a catalogue", () => {
		const file = (letter: string) => letter.repeat(64);
		const line = (sku: string, changes: object = {}) => ({
			...{ sku, name: `Batik ${sku}`, description: "", price: 250_000, stock: 4, category: "batik", line: 2 },
			...changes,
		});
		const take = (name: string, ...lines: ReturnType<typeof line>[]) =>
			callAction(broker, "v1.products.import", { file: file(name), lines });

		test("are created once; a second time changes nothing", async () => {
			const skus = [randomUUID(), randomUUID()];
			const lines = skus.map((sku, index) => line(sku, { line: index + 2 }));
			expect(await take("a", ...lines)).toEqual(["created", "created"]);
			expect(await take("a", ...lines)).toEqual(["unchanged", "unchanged"]);
			expect(await stockOf(broker, skus[0] as string)).toMatchObject({ stock: 4, supplied: 4 });
		});

		test("get a new description, but keep the stock that is left", async () => {
			const sku = randomUUID();
			await take("a", line(sku));
			const before = await stockOf(broker, sku);
			await reserve([{ product_id: before?.id as string, quantity: 3 }]);
			expect(await take("b", line(sku, { price: 300_000, stock: 4 }))).toEqual(["updated"]);
			expect(await stockOf(broker, sku)).toMatchObject({ stock: 1, held: 3, supplied: 4 });
			expect(await callAction(broker, "v1.products.get", { id: before?.id as string })).toMatchObject({
				price: 300_000,
			});
		});

		test("are one product under each way to write a sku that looks equal, and two where an accent differs", async () => {
			const part = randomUUID();
			expect(await take("1", line(`caf\u00e9 ${part}`))).toEqual(["created"]);
			expect(await take("2", line(`\u200bcafe\u0301\u00a0${part}\ufeff`, { name: "Batik" }))).toEqual([
				"updated",
			]);
			expect(await take("3", line(`cafe ${part}`))).toEqual(["created"]);
			expect(
				await take("4", line(`caf\u00e9\u2009${part}`, { line: 2 }), line(`ca\u00adfé ${part}`, { line: 3 })),
			).toEqual(["updated", "repeated"]);
			const found = await callAction(
				broker,
				"v1.products.stock",
				{ product: `cafe\u0301 ${part}` },
				asService(),
			);
			expect(found.map(({ sku }) => sku)).toEqual([`caf\u00e9 ${part}`]);
		});

		test("count the first line where a file repeats a sku, also the second time", async () => {
			const sku = randomUUID();
			const lines = [line(sku, { price: 1000 }), line(sku, { price: 2000, line: 3 })];
			expect(await take("c", ...lines)).toEqual(["created", "repeated"]);
			expect(await take("c", ...lines)).toEqual(["unchanged", "repeated"]);
		});

		test("are created once by imports that run at the same time", async () => {
			const sku = randomUUID();
			await Promise.all([take("d", line(sku)), take("e", line(sku)), take("f", line(sku))]);
			const matching = await callAction(broker, "v1.products.stock", { product: sku }, asService());
			expect(matching).toHaveLength(1);
		});
	});

	test("survive a stop", async () => {
		const product = await newProduct(broker, 3);
		await reserve([{ product_id: product.id, quantity: 2 }]);
		chooseStore(url);
		const index = nodes.indexOf(broker);
		await broker.stop();
		broker = await startNode("products");
		nodes[index] = broker;
		setVariables({ MONGO_URL: undefined });
		expect(await stockOf(broker, product.id)).toMatchObject({ stock: 1, held: 2, supplied: 3 });
	});
});

test("a write that a kill cut short is dropped, and nothing else", async () => {
	chooseStore(undefined);
	const node = await startNode("products");
	const product = await newProduct(node, 3);
	await node.stop();
	await appendFile(join(settings.directory, "products.db"), '{"_id":"half a li');
	const again = await startNode("products");
	expect(await callAction(again, "v1.products.get", { id: product.id })).toEqual(product);
	const later = await newProduct(again, 1);
	await again.stop();
	const last = await startNode("products");
	expect(await callAction(last, "v1.products.get", { id: later.id })).toEqual(later);
	await last.stop();
});
