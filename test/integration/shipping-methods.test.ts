import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { ServiceBroker } from "moleculer";
import { api, expectProblem } from "./rest.ts";
import { REGULAR } from "./shipping.ts";
import { admin, newUser, type Person, startGateway, startNode } from "./shop.ts";

let shop: ServiceBroker;
let gateway: ServiceBroker;
let address: string;
let keeper: Person;
let budi: Person;

beforeAll(async () => {
	shop = await startNode("users", "orders");
	({ gateway, address } = await startGateway());
	[keeper, budi] = [await admin(shop), await newUser(shop)];
	expect(await post("/shipping-methods", keeper, REGULAR)).toMatchObject({ status: 201, body: REGULAR });
});

afterAll(async () => {
	await gateway.stop();
	await shop.stop();
});

const { call, post } = api(() => address);

describe("methods of shipping", () => {
	test("are public, with the fee where a country is given, and pickup is always one of them", async () => {
		const there = await call("GET", "/shipping-methods?country=id&province=jawa%20barat&weight_g=6001");
		expect(there.body[0]).toEqual({ ...REGULAR, fee: 39_000 });
		expect(there.body.at(-1)).toMatchObject({ code: "pickup", fee: 0 });
		const abroad = await call("GET", "/shipping-methods?country=SG&postal_code=238839&weight_g=1");
		expect(abroad.body.map(({ code }: { code: string }) => code)).toEqual(["pickup"]);
		const all = await call("GET", "/shipping-methods");
		expect(all.body[0]).toEqual(REGULAR);
		const rest = await call("GET", "/shipping-methods?skip=1&limit=100");
		expect(rest.body).toEqual(all.body.slice(1));
		expect((await call("GET", "/shipping-methods?limit=1")).body).toEqual([REGULAR]);
	});

	test("are changed and removed by admins only", async () => {
		const code = `m${randomUUID()}`;
		expectProblem(await post("/shipping-methods", budi, { ...REGULAR, code }), 403, "FORBIDDEN");
		expect((await post("/shipping-methods", keeper, { ...REGULAR, code })).status).toBe(201);
		expectProblem(
			await post("/shipping-methods", keeper, { ...REGULAR, code }),
			409,
			"SHIPPING_METHOD_EXISTS",
		);
		expectProblem(
			await post("/shipping-methods", keeper, { ...REGULAR, code: "Pickup" }),
			409,
			"SHIPPING_METHOD_EXISTS",
		);
		const changed = await call("PATCH", `/shipping-methods/${code}`, keeper, {
			free_from: null,
			name: "Hemat",
		});
		expect(changed).toMatchObject({
			status: 200,
			body: { ...REGULAR, code, free_from: null, name: "Hemat" },
		});
		expectProblem(
			await call("PATCH", "/shipping-methods/pickup", keeper, { name: "X" }),
			404,
			"SHIPPING_METHOD_NOT_FOUND",
		);
		expect((await call("DELETE", `/shipping-methods/${code}`, keeper)).status).toBe(204);
		expectProblem(
			await call("DELETE", `/shipping-methods/${code}`, keeper),
			404,
			"SHIPPING_METHOD_NOT_FOUND",
		);
	});

	test("are added once for each key", async () => {
		const method = { ...REGULAR, code: `m${randomUUID()}` };
		const key = { "idempotency-key": randomUUID() };
		const added = [
			await post("/shipping-methods", keeper, method, key),
			await post("/shipping-methods", keeper, method, key),
		];
		expect(added.map(({ status }) => status)).toEqual([201, 201]);
	});

	test.each([
		["a fee below zero", { bands: [{ up_to_g: 1, fee: -1 }] }, "bands.0.fee"],
		["a weight over 2^31", { bands: [{ up_to_g: 2 ** 31, fee: 1 }] }, "bands.0.up_to_g"],
		["two bands with one limit", { bands: [1, 2].map((fee) => ({ up_to_g: 1, fee })) }, "bands.1.up_to_g"],
		["no zone", { zones: [] }, "zones"],
		["a country that is none", { zones: [{ country: "XX" }] }, "zones.0.country"],
		[
			"a prefix that every postal code would begin with",
			{ zones: [{ country: "ID", postal_prefixes: ["40", "- -"] }] },
			"zones.0.postal_prefixes.1",
		],
		["a code of 10,000 characters", { code: "x".repeat(10_000) }, "code"],
	])("with %s are refused", async (_, given, path) => {
		const refused = await post("/shipping-methods", keeper, { ...REGULAR, code: "bad", ...given });
		expectProblem(refused, 422, "VALIDATION_FAILED");
		expect(refused.body.errors[0].path).toBe(path);
	});
});
