import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { Errors, type Service, type ServiceBroker } from "moleculer";
import { admin, eventually, startGateway, startNode, startNodeWith } from "./shop.ts";

/** Runs in the service before each response about a product. */
let before: () => Promise<void> = async () => undefined;
let shop: ServiceBroker;
let users: ServiceBroker;
let gateway: ServiceBroker;
let address: string;

beforeAll(async () => {
	users = await startNode("users");
	shop = await startNodeWith(
		[
			{
				name: "Rival",
				localAction: (next, { name }) =>
					name === "v1.products.get"
						? async function (this: Service, ctx) {
								await before();
								return next.call(this, ctx);
							}
						: next,
			},
		],
		"products",
	);
	({ gateway, address } = await startGateway());
	await gateway.waitForServices([
		{ name: "products", version: 1 },
		{ name: "users", version: 1 },
	]);
});

afterAll(async () => {
	await gateway.stop();
	await shop.stop();
	await users.stop();
});

async function page(id: string) {
	const signal = AbortSignal.timeout(8000);
	const response = await fetch(`${address}/api/v1/products/${id}`, { signal });
	const { stock } = JSON.parse(await response.text());
	return { status: response.status, age: response.headers.get("age"), stock };
}

async function newProduct(): Promise<string> {
	const keeper = await admin(users);
	const product = { name: "Kopi", description: "", price: 1000, stock: 5, category: "uji" };
	return (await keeper.call("v1.products.create", product)).id;
}

test("a retry of a cached call does not wait for the first attempt", async () => {
	const id = await newProduct();
	let tries = 0;
	before = async () => {
		if (++tries === 1) {
			throw new Errors.MoleculerRetryableError("not now", 503, "NOT_NOW", {});
		}
	};
	expect((await page(id)).status).toBe(200);
	expect(tries).toBe(2);
});

test("all attempts of a call share its deadline", async () => {
	const id = await newProduct();
	before = async () => {
		await new Promise((wake) => setTimeout(wake, 400));
		throw new Errors.MoleculerRetryableError("not now", 503, "NOT_NOW", {});
	};
	const begun = Date.now();
	await expect(gateway.call("v1.products.get", { id }, { timeout: 1000 })).rejects.toThrow();
	expect(Date.now() - begun).toBeLessThan(1700);
	before = async () => undefined;
});

test("a page that was changed is asked for again, and shown with its age where nobody can be asked", async () => {
	const id = await newProduct();
	expect((await page(id)).stock).toBe(5);
	const keeper = await admin(users);
	await keeper.call("v1.products.changeStock", { id, quantity: 1 });
	await eventually("the new stock", async () => (await page(id)).stock === 6);

	await keeper.call("v1.products.changeStock", { id, quantity: 1 });
	await shop.stop();
	expect(await page(id)).toEqual({ status: 200, stock: 6, age: expect.stringMatching(/^\d+$/) });
	expect((await page("unknown")).status).toBe(503);
});
