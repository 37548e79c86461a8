import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { Context, ServiceBroker } from "moleculer";
import { allActions, callAction, withKey } from "../../contracts/actions.ts";
import { takesKey } from "../../contracts/contract.ts";
import { jetStreamOf } from "../../events/stream.ts";
import { asService } from "../../middlewares/permissions.ts";
import { natsOf } from "../../nats/client.ts";
import { bucketName } from "../../nats/idempotency-records.ts";
import { setVariables } from "../variables.ts";
import { KeyedClient, newKey } from "./keyed-client.ts";
import {
	admin,
	eventually,
	newProduct,
	newUser,
	PASSWORD,
	type Person,
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
	gateway = await startNode("api");
	const { gatewayAddress } = await import("../../services/api/api.service.ts");
	client = new KeyedClient(gatewayAddress(gateway.getLocalService("api")));
	keeper = await admin(users);
});

afterAll(async () => {
	await gateway.stop();
	await users.stop();
});

/** Deletes all records of keys, as when JetStream's folder is lost. */
async function loseRecords(): Promise<void> {
	await (await natsOf(gateway)?.jetstreamManager())?.streams.purge(`KV_${bucketName()}`);
}

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

	test("is done once, and answered the same way again", async () => {
		const { id } = await newProduct(gateway, 5);
		const key = newKey();
		const first = await changed(id, 3, key);
		expect(first).toMatchObject({ status: 200, body: { stock: 8 } });
		await changed(id, 10, newKey());
		expect(await changed(id, 3, key)).toMatchObject({ status: 200, body: first.body });
		expect(await stock(id)).toBe(18);
	});

	test("is done once where two come at the same moment, and both get its answer", async () => {
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

	test("is run again where its answer is lost, and changes the stock once", async () => {
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

	test("changes nothing twice where all records are lost", async () => {
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
		await loseRecords();
		const again = await all();
		expect(again.map(({ status }) => status)).toEqual([200, 200, 201, 204]);
		expect(again[2]?.body).toEqual(first[2]?.body);
		const { supplied } = await callAction(gateway, "v1.products.ledger", { product: id }, asService());
		expect(supplied).toBe(20);
		expect(await client.send("DELETE", `/products/${id}`, { as: keeper, key: newKey() })).toMatchObject({
			status: 404,
		});
	});

	test("goes on without records, exactly once, where JetStream has none", async () => {
		const { id } = await newProduct(gateway, 5);
		const manager = await natsOf(gateway)?.jetstreamManager();
		await manager?.streams.delete(`KV_${bucketName()}`);
		const key = newKey();
		const begun = performance.now();
		expect(await changed(id, 3, key)).toMatchObject({ status: 200, body: { stock: 8 } });
		expect(performance.now() - begun).toBeLessThan(3000);
		await changed(id, 3, key);
		expect(await stock(id)).toBe(8);
		// The bucket is created again, and responses are stored again.
		await eventually("a kept answer", async () => {
			const other = newKey();
			const [one] = [await changed(id, 1, other), await changed(id, 1, newKey())];
			return (await changed(id, 1, other)).body.stock === one.body.stock;
		});
	});

	test("waits for the first one, and is told to come again where that takes too long", async () => {
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
		const first = change(20_000);
		await eventually("the change", async () => (await stock(id)) === 8);
		// The records may still be left alone since the test before; then it runs beside the first one, and times out.
		const refusal = await eventually(
			"a refusal",
			() =>
				change(4000).then(
					() => false,
					(error) => error.type === "KEY_IN_USE" && error,
				),
			30_000,
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

describe("without records", () => {
	test("a registration is done once, by its key", async () => {
		const username = `u${randomUUID().slice(0, 8)}`;
		const body = { email: `${username}@toko.test`, username, password: PASSWORD, full_name: "Ani" };
		const key = newKey();
		const first = await client.send("POST", "/users/register", { key, body });
		expect(first.status).toBe(201);
		await loseRecords();
		expect(await client.send("POST", "/users/register", { key, body })).toMatchObject({
			status: 201,
			body: first.body,
		});
		for (const other of [
			{ key, body: { ...body, password: "other-password" } },
			{ key: newKey(), body },
			{ body },
		]) {
			expect(await client.send("POST", "/users/register", other)).toMatchObject({
				status: 400,
				body: { code: "EMAIL_TAKEN" },
			});
		}
	});

	test("an account is deleted once, by its key", async () => {
		const { id } = await newUser(users);
		const key = newKey();
		expect((await client.send("DELETE", `/users/${id}`, { as: keeper, key })).status).toBe(204);
		await loseRecords();
		expect((await client.send("DELETE", `/users/${id}`, { as: keeper, key })).status).toBe(204);
		expect((await client.send("DELETE", `/users/${id}`, { as: keeper, key: newKey() })).status).toBe(404);
	});
});

describe("an Idempotency-Key", () => {
	test("is refused where it is none, by every address that takes one", async () => {
		const withKey = [...allActions().values()].filter(({ contract }) => takesKey(contract));
		expect(withKey.length).toBeGreaterThan(15);
		for (const { contract } of withKey) {
			const { method, path } = contract.rest as NonNullable<typeof contract.rest>;
			const given = { as: keeper, key: "no key", body: method === "DELETE" ? undefined : {} };
			expect([path, await client.send(method, path.replace(/:\w+/, "1"), given)]).toEqual([
				path,
				expect.objectContaining({
					status: 422,
					body: expect.objectContaining({ errors: [expect.objectContaining({ path: "idempotency_key" })] }),
				}),
			]);
		}
	});

	test("counts for the steps of an order too", async () => {
		const shop = await startNode("products", "orders");
		await gateway.waitForServices(["products", "orders"].map((name) => ({ name, version: 1 })));
		const { id: product_id } = await newProduct(shop, 5);
		const body = { items: [{ product_id, quantity: 2 }] };
		const order = await client.persist("POST", "/orders", { as: keeper, key: newKey(), body });
		const cancel = { as: keeper, key: newKey() };
		const first = await client.persist("POST", `/orders/${order.body.id}/cancel`, cancel);
		expect(first).toMatchObject({ status: 200, body: { status: "cancelled" } });
		expect(await client.persist("POST", `/orders/${order.body.id}/cancel`, cancel)).toMatchObject({
			status: 200,
			body: first.body,
		});
		await shop.stop();
	});

	test("has a step of an order whose answer was lost answered with the order, and refuses it under another key", async () => {
		let isLost = false;
		const losing = {
			name: "Losing",
			localAction: ((next: (ctx: Context) => Promise<unknown>, { name }: { name?: string }) =>
				/^v1\.orders\.(pay|cancel|ship|refund)$/.test(name ?? "")
					? async function (this: unknown, ctx: Context) {
							const result = await next.call(this, ctx);
							if (isLost) {
								throw new Error("the answer is lost");
							}
							return result;
						}
					: next) as never,
		};
		const shop = await startNodeWith([losing], "products", "orders");
		await gateway.waitForServices(["products", "orders"].map((name) => ({ name, version: 1 })));
		const { id: product_id } = await newProduct(shop, 5);
		const body = { items: [{ product_id, quantity: 1 }] };
		const newOrder = async () =>
			(await client.persist("POST", "/orders", { as: keeper, key: newKey(), body })).body.id as string;
		const [paid, cancelled] = [await newOrder(), await newOrder()];
		for (const [id, step, status] of [
			[paid, "pay", "paid"],
			[cancelled, "cancel", "cancelled"],
			[paid, "ship", "shipped"],
			[paid, "refund", "refunded"],
		] as const) {
			const given = { as: keeper, key: newKey(), ...(step === "refund" ? { body: { restock: true } } : {}) };
			isLost = true;
			expect((await client.send("POST", `/orders/${id}/${step}`, given)).status).toBe(500);
			isLost = false;
			const again = await client.send("POST", `/orders/${id}/${step}`, given);
			expect(again).toMatchObject({ status: 200, body: { id, status } });
			expect(await client.send("POST", `/orders/${id}/${step}`, { ...given, key: newKey() })).toMatchObject({
				status: 409,
				body: { code: "ORDER_IN_OTHER_STATE" },
			});
		}
		await shop.stop();
	});

	test("of two strangers is that of two requests", async () => {
		const key = newKey();
		const people = await Promise.all(
			[1, 2].map(() => {
				const username = `u${randomUUID().slice(0, 8)}`;
				const body = { email: `${username}@toko.test`, username, password: PASSWORD, full_name: "Ani" };
				return client.send("POST", "/users/register", { key, body });
			}),
		);
		expect(people.map(({ status }) => status)).toEqual([201, 201]);
		expect(people[0]?.body.id).not.toBe(people[1]?.body.id);
	});

	test("leads to nothing that can be read where its answer is kept", async () => {
		const username = `u${randomUUID().slice(0, 8)}`;
		const email = `${username}@toko.test`;
		const body = { email, username, password: PASSWORD, full_name: "Ani" };
		const key = newKey();
		expect((await client.send("POST", "/users/register", { key, body })).status).toBe(201);
		const bucket = await natsOf(gateway)?.jetstream().views.kv(bucketName());
		const all: string[] = [];
		for await (const name of (await bucket?.keys()) ?? []) {
			all.push(name);
		}
		expect(all.length).toBeGreaterThan(0);
		const kept: string[] = [...all];
		for (const name of all) {
			const { value } = (await bucket?.get(name)) ?? {};
			kept.push(Buffer.from(value ?? []).toString("latin1"));
		}
		for (const secret of [key, email, username, PASSWORD, "Ani"]) {
			expect(kept.join("\n")).not.toContain(secret);
		}
	});

	test("of strangers is not kept where a second run changes nothing anyway", async () => {
		const bucket = await natsOf(gateway)?.jetstream().views.kv(bucketName());
		const written = async () => (await bucket?.status())?.streamInfo.state.last_seq;
		const before = await written();
		const body = { email: "nobody@toko.test" };
		const { status } = await client.send("POST", "/users/forgot-password", { key: newKey(), body });
		expect([status, await written()]).toEqual([202, before]);
	});

	test("does not repeat a login: answers with tokens are not kept", async () => {
		const { email } = await newUser(users);
		const key = newKey();
		const logIn = () => client.send("POST", "/users/login", { key, body: { email, password: PASSWORD } });
		const [one, other] = [await logIn(), await logIn()];
		expect([one.status, other.status]).toEqual([200, 200]);
		expect(one.body.refresh_token).not.toBe(other.body.refresh_token);
	});
});
