import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { Context, ServiceBroker } from "moleculer";
import { callAction, withKey } from "../../contracts/actions.ts";
import { jetStreamOf } from "../../events/stream.ts";
import { asService } from "../../middlewares/permissions.ts";
import { natsOf } from "../../nats/client.ts";
import { bucketName } from "../../nats/idempotency-records.ts";
import { setVariables } from "../variables.ts";
import { KeyedClient, loseRecords, newKey } from "./keyed-client.ts";
import {
	admin,
	eventually,
	newProduct,
	newUser,
	type Person,
	startGateway,
	startNode,
	startNodeWith,
	stockOf,
} from "./shop.ts";
import { forgetStores, stores } from "./stores.ts";

let users: ServiceBroker;
let gateway: ServiceBroker;
let keeper: Person;
let client: KeyedClient;

beforeAll(async () => {
	users = await startNode("users");
	const started = await startGateway();
	gateway = started.gateway;
	client = new KeyedClient(started.address);
	keeper = await admin(users);
});

afterAll(async () => {
	await gateway.stop();
	await users.stop();
});

describe.each(stores)("a request with an Idempotency-Key on %s", (_, url) => {
	let products: ServiceBroker[];
	/** Runs after a change is made, before its response is sent. */
	let after: (ctx: Context) => Promise<void> = async () => undefined;
	let runs = 0;

	const between = {
		name: "Between",
		localAction: ((next: (ctx: Context) => Promise<unknown>, { name }: { name?: string }) =>
			/^v1\.products\.(changeStock|create|remove)$/.test(name ?? "")
				? async function (this: unknown, ctx: Context) {
						runs++;
						const result = await next.call(this, ctx);
						await after(ctx);
						return result;
					}
				: next) as never,
	};

	beforeAll(async () => {
		if (url) {
			setVariables({ MONGO_URL: url });
		}
		products = [
			await startNodeWith([between], "products"),
			...(url ? [await startNodeWith([between], "products")] : []),
		];
		setVariables({ MONGO_URL: undefined });
		await gateway.waitForServices({ name: "products", version: 1 });
		await eventually(
			"the gateway to know it",
			async () => (await client.send("GET", "/products")).status === 200,
		);
	});

	afterAll(async () => {
		await Promise.all(products.map((node) => node.stop()));
		// The next run has its products in another store.
		await forgetStores(jetStreamOf(gateway));
	});

	const stock = async (id: string) => (await stockOf(gateway, id))?.stock;
	const changed = (id: string, quantity: number, key: string) =>
		client.send("PUT", `/products/${id}/stock?quantity=${quantity}`, { as: keeper, key });

	test("is executed once, and gets the same response again", async () => {
		const { id } = await newProduct(gateway, 5);
		const key = newKey();
		const first = await changed(id, 3, key);
		expect(first).toMatchObject({ status: 200, body: { stock: 8 } });
		await changed(id, 10, newKey());
		expect(await changed(id, 3, key)).toMatchObject({ status: 200, body: first.body });
		expect(await stock(id)).toBe(18);
	});

	test("is executed once if two arrive at the same moment, and both get its response", async () => {
		const { id } = await newProduct(gateway, 5);
		const key = newKey();
		const both = await Promise.all([1, 2, 3].map(() => changed(id, 3, key)));
		expect(both.map(({ status, body }) => [status, body.stock])).toEqual([1, 2, 3].map(() => [200, 8]));
		expect(await stock(id)).toBe(8);
	});

	test("gets its status and Location again", async () => {
		const key = newKey();
		const body = { name: "Teh", description: "", price: 1000, stock: 3, category: "uji" };
		const first = await client.send("POST", "/products", { as: keeper, key, body });
		const again = await client.send("POST", "/products", { as: keeper, key, body });
		expect(first).toMatchObject({ status: 201, headers: expect.anything() });
		expect(again).toMatchObject({ status: 201, body: first.body });
		expect(first.headers.get("location")).toBe(`/api/v1/products/${first.body.id}`);
		expect(again.headers.get("location")).toBe(first.headers.get("location"));
	});

	test("gets its refusal again", async () => {
		const { id } = await newProduct(gateway, 5);
		const key = newKey();
		expect(await changed(id, -6, key)).toMatchObject({ status: 409 });
		await changed(id, 10, newKey());
		const again = await changed(id, -6, key);
		expect(again).toMatchObject({ status: 409, body: { code: "STOCK_WOULD_BE_NEGATIVE" } });
		expect(again.body.detail).toContain("only 5 left");
		expect(await stock(id)).toBe(15);
	});

	test("is refused with 422 where the key was used for something else, by the same caller only", async () => {
		const { id } = await newProduct(gateway, 5);
		const key = newKey();
		await changed(id, 1, key);
		for (const other of [
			() => changed(id, 2, key),
			() => client.send("DELETE", `/products/${id}`, { as: keeper, key }),
			() => client.send("PATCH", "/users/me", { as: keeper, key, body: { locale: "en" } }),
		]) {
			expect(await other()).toMatchObject({ status: 422, body: { code: "KEY_REUSED" } });
		}
		const ani = await newUser(users);
		expect(await client.send("PATCH", "/users/me", { as: ani, key, body: { locale: "en" } })).toMatchObject({
			status: 200,
		});
		expect(await stock(id)).toBe(6);
	});

	test("is repeated if its response is lost, and changes the stock once", async () => {
		const { id } = await newProduct(gateway, 5);
		const key = newKey();
		const begun = runs;
		after = () => Promise.reject(new Error("the answer is lost"));
		expect((await changed(id, 3, key)).status).toBe(500);
		after = async () => undefined;
		expect(await changed(id, 3, key)).toMatchObject({ status: 200, body: { stock: 8 } });
		expect(runs).toBe(begun + 2);
		expect(await stock(id)).toBe(8);
	});

	test("changes nothing twice even if all records are lost", async () => {
		const { id } = await newProduct(gateway, 5);
		const [add, set, remove, create] = [newKey(), newKey(), newKey(), newKey()];
		const body = { name: "Teh", description: "", price: 1000, stock: 3, category: "uji" };
		const all = async () => [
			await changed(id, 3, add),
			await client.send("PUT", `/products/${id}/stock`, {
				as: keeper,
				key: set,
				body: { stock: 20, expected: 8 },
			}),
			await client.send("POST", "/products", { as: keeper, key: create, body }),
			await client.send("DELETE", `/products/${id}`, { as: keeper, key: remove }),
		];
		const first = await all();
		expect(first.map(({ status }) => status)).toEqual([200, 200, 201, 204]);
		await loseRecords(gateway);
		const again = await all();
		expect(again.map(({ status }) => status)).toEqual([200, 200, 201, 204]);
		expect(again[2]?.body).toEqual(first[2]?.body);
		const { supplied } = await callAction(gateway, "v1.products.ledger", { product: id }, asService());
		expect(supplied).toBe(20);
		expect(await client.send("DELETE", `/products/${id}`, { as: keeper, key: newKey() })).toMatchObject({
			status: 404,
		});
	});

	test("is executed exactly once even if JetStream cannot store records", async () => {
		const { id } = await newProduct(gateway, 5);
		const manager = await natsOf(gateway)?.jetstreamManager();
		await manager?.streams.delete(`KV_${bucketName()}`);
		const key = newKey();
		const begun = performance.now();
		expect(await changed(id, 3, key)).toMatchObject({ status: 200, body: { stock: 8 } });
		// Far below the deadline of a call.
		expect(performance.now() - begun).toBeLessThan(8000);
		await changed(id, 3, key);
		expect(await stock(id)).toBe(8);
		// The bucket is created again, and responses are stored again.
		await eventually("a kept answer", async () => {
			const other = newKey();
			const [one] = [await changed(id, 1, other), await changed(id, 1, newKey())];
			return (await changed(id, 1, other)).body.stock === one.body.stock;
		});
	});

	test("waits for the first one, and gets a 503 if that takes too long", async () => {
		const { id } = await newProduct(gateway, 5);
		const key = newKey();
		const change = (timeout: number) =>
			callAction(
				gateway,
				"v1.products.changeStock",
				{ id, quantity: 3 },
				{ ...asService(), ...withKey("v1.products.changeStock", key), timeout, retries: 0 },
			);
		let answer: () => void = () => undefined;
		const isAnswered = new Promise<void>((resolve) => {
			answer = resolve;
		});
		after = () => isAnswered;
		const first = change(0);
		await eventually("the change", async () => (await stock(id)) === 8);
		// The records may still be left alone since the test before; then it runs beside the first one, and times out.
		const refusal = await eventually("a refusal", () =>
			change(4000).then(
				() => false,
				(error) => error.type === "KEY_IN_USE" && error,
			),
		);
		expect(refusal).toMatchObject({ code: 503 });
		const second = change(20_000);
		answer();
		after = async () => undefined;
		expect(await Promise.all([first, second])).toEqual(
			[1, 2].map(() => expect.objectContaining({ stock: 8 })),
		);
		expect(await stock(id)).toBe(8);
	});
});
