import { afterAll, beforeAll, expect, test } from "@jest/globals";
import type { ServiceBroker } from "moleculer";
import { z } from "zod";
import { type ActionContext, declare, implement } from "../../contracts/actions.ts";
import { action, contract } from "../../contracts/contract.ts";
import { products } from "../../contracts/products.ts";
import { newProduct, startNode } from "./shop.ts";

/** One action of products in a second version, as a team would add it: its price is an object. */
const second = contract({
	name: "products",
	version: 2,
	about: products.about,
	actions: {
		get: action({
			summary: "A product by id",
			permissions: "public",
			params: products.actions.get.params,
			result: z.strictObject({
				id: z.string(),
				price: z.strictObject({ amount: z.number(), currency: z.string() }),
			}),
			rest: { method: "GET", path: "/products/:id" },
			idempotent: true,
		}),
	},
});

let shop: ServiceBroker;
let address: string;

beforeAll(async () => {
	declare({ ...products, deprecated: { since: new Date("2026-11-01"), sunset: new Date("2027-05-01") } });
	declare(second);
	shop = await startNode("products");
	shop.createService({
		name: second.name,
		version: second.version,
		actions: implement()(second, {
			async get(ctx: ActionContext<{ id: string }>) {
				const { id, price, currency } = await ctx.call("v1.products.get", ctx.params);
				return { id, price: { amount: price, currency } };
			},
		}),
	});
	const { default: gateway } = await import("../../services/api/api.service.ts");
	const { gatewayAddress } = await import("../../services/api/api.service.ts");
	const service = shop.createService(gateway);
	await shop.waitForServices("api");
	address = gatewayAddress(service);
});

afterAll(() => shop.stop());

async function get(path: string) {
	const response = await fetch(`${address}${path}`);
	const body = (await response.json()) as { paths?: object };
	return { status: response.status, headers: response.headers, body };
}

test("two versions of an action answer side by side, and without a version the newest does", async () => {
	const { id } = await newProduct(shop, 1, 15_000);
	expect((await get(`/api/v1/products/${id}`)).body).toMatchObject({ id, price: 15_000 });
	const newest = { id, price: { amount: 15_000, currency: "IDR" } };
	expect((await get(`/api/v2/products/${id}`)).body).toEqual(newest);
	expect((await get(`/api/products/${id}`)).body).toEqual(newest);
	// Actions without a second version keep their path.
	expect((await get("/api/products/categories")).body).toEqual(["kopi"]);
	expect((await get("/api/v2/products/categories")).status).toBe(404);
	const { paths } = (await get("/openapi.json")).body;
	expect(Object.keys(paths as object)).toEqual(
		expect.arrayContaining(["/api/v1/products/{id}", "/api/v2/products/{id}"]),
	);
});

test("a deprecated version says so, and until when it is available", async () => {
	const { id } = await newProduct(shop, 1);
	const { headers } = await get(`/api/v1/products/${id}`);
	expect(headers.get("deprecation")).toBe(`@${Date.parse("2026-11-01") / 1000}`);
	expect(headers.get("sunset")).toBe("Sat, 01 May 2027 00:00:00 GMT");
	expect((await get(`/api/v2/products/${id}`)).headers.get("deprecation")).toBeNull();
});
