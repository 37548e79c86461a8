import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { Context, ServiceBroker } from "moleculer";
import type { NatsConnection } from "nats";
import { allActions } from "../../contracts/actions.ts";
import { takesKey } from "../../contracts/contract.ts";
import { natsOf } from "../../nats/client.ts";
import { bucketName } from "../../nats/idempotency-records.ts";
import { KeyedClient, loseRecords, newKey } from "./keyed-client.ts";
import {
	admin,
	newProduct,
	newUser,
	PASSWORD,
	type Person,
	startGateway,
	startNode,
	startNodeWith,
} from "./shop.ts";

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

describe("without records", () => {
	test("a registration is done once, by its key", async () => {
		const username = `u${randomUUID().slice(0, 8)}`;
		const body = { email: `${username}@toko.test`, username, password: PASSWORD, full_name: "Ani" };
		const key = newKey();
		const first = await client.send("POST", "/users/register", { key, body });
		expect(first.status).toBe(201);
		await loseRecords(gateway);
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
		await loseRecords(gateway);
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

	describe("has a step of an order whose answer was lost", () => {
		let shop: ServiceBroker;
		let product_id: string;
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

		beforeAll(async () => {
			shop = await startNodeWith([losing], "products", "orders");
			await gateway.waitForServices(["products", "orders"].map((name) => ({ name, version: 1 })));
			product_id = (await newProduct(shop, 50)).id;
		});

		afterAll(() => shop.stop());

		async function newOrder(): Promise<string> {
			const body = { items: [{ product_id, quantity: 1 }] };
			return (await client.persist("POST", "/orders", { as: keeper, key: newKey(), body })).body.id as string;
		}

		/** Loses the answer to each step of two orders, and repeats it with the same key. Returns the requests. */
		async function repeatSteps() {
			const requests: [path: string, given: { body?: object }][] = [];
			const [paid, cancelled] = [await newOrder(), await newOrder()];
			for (const [id, step, status] of [
				[paid, "pay", "paid"],
				[cancelled, "cancel", "cancelled"],
				[paid, "ship", "shipped"],
				[paid, "refund", "refunded"],
			] as const) {
				const given = {
					as: keeper,
					key: newKey(),
					...(step === "refund" ? { body: { restock: true } } : {}),
				};
				isLost = true;
				expect((await client.send("POST", `/orders/${id}/${step}`, given)).status).toBe(500);
				isLost = false;
				const again = await client.send("POST", `/orders/${id}/${step}`, given);
				expect(again).toMatchObject({ status: 200, body: { id, status } });
				requests.push([`/orders/${id}/${step}`, given]);
			}
			return requests;
		}

		test("answered with the order, and refuses it under another key", async () => {
			for (const [path, given] of await repeatSteps()) {
				expect(await client.send("POST", path, { ...given, key: newKey() })).toMatchObject({
					status: 409,
					body: { code: "ORDER_IN_OTHER_STATE" },
				});
			}
		});

		test("answered with the order although JetStream stores no records", async () => {
			const { streams } = await (natsOf(gateway) as NatsConnection).jetstreamManager();
			const limit = (max_msg_size: number) => streams.update(`KV_${bucketName()}`, { max_msg_size });
			await limit(1);
			try {
				await repeatSteps();
			} finally {
				await limit(-1);
			}
		});
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

	test("makes its stored response unreadable to others", async () => {
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

	test("of anonymous callers is not stored if a second run changes nothing anyway", async () => {
		const bucket = await natsOf(gateway)?.jetstream().views.kv(bucketName());
		const written = async () => (await bucket?.status())?.streamInfo.state.last_seq;
		const before = await written();
		const body = { email: "nobody@toko.test" };
		const { status } = await client.send("POST", "/users/forgot-password", { key: newKey(), body });
		expect([status, await written()]).toEqual([202, before]);
	});

	test("does not repeat a login: responses with tokens are not stored", async () => {
		const { email } = await newUser(users);
		const key = newKey();
		const logIn = () => client.send("POST", "/users/login", { key, body: { email, password: PASSWORD } });
		const [one, other] = [await logIn(), await logIn()];
		expect([one.status, other.status]).toEqual([200, 200]);
		expect(one.body.refresh_token).not.toBe(other.body.refresh_token);
	});
});
