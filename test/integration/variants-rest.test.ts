import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import type { ServiceBroker } from "moleculer";
import { expectProblem, type Sending, send } from "./rest.ts";
import { admin, newUser, type Person, startGateway, startNode } from "./shop.ts";

let shop: ServiceBroker;
/** A process of its own, whose cache learns of changes over NATS. */
let gateway: ServiceBroker;
let address: string;
let keeper: Person;
let buyer: Person;

beforeAll(async () => {
	shop = await startNode("users", "products", "orders");
	({ gateway, address } = await startGateway());
	await gateway.waitForServices(["users", "products", "orders"].map((name) => ({ name, version: 1 })));
	[keeper, buyer] = [await admin(shop), await newUser(shop)];
});

afterAll(() => Promise.all([gateway.stop(), shop.stop()]));

const ask = (method: string, path: string, sending: Sending = {}) =>
	send(address, method, `/api/v1${path}`, sending);
const kaos = { name: "Kaos Toko", description: "Katun.", category: "kaos", options: ["ukuran", "warna"] };
const product = { name: "Kaos", description: "", price: 80_000, stock: 3, category: "kaos" };

async function newGroup(): Promise<string> {
	return (await ask("POST", "/product-groups", { as: keeper, body: kaos })).body.id;
}

test("a group is added at its address, read by anyone, and changed and removed by admins only", async () => {
	const made = await ask("POST", "/product-groups", { as: keeper, body: kaos });
	expect(made).toMatchObject({ status: 201, body: { ...kaos, variants: [] } });
	const path = `/product-groups/${made.body.id}`;
	expect(made.headers.get("location")).toBe(`/api/v1${path}`);
	expect(await ask("GET", path)).toMatchObject({ status: 200, body: made.body });
	for (const [method, where, body] of [
		["POST", "/product-groups", kaos],
		["PATCH", path, { name: "x" }],
		["DELETE", path, undefined],
	] as const) {
		expectProblem(await ask(method, where, { body }), 401, "UNAUTHENTICATED");
		expectProblem(await ask(method, where, { as: buyer, body }), 403, "FORBIDDEN");
	}
	expect(await ask("PATCH", path, { as: keeper, body: { name: "Kemeja" } })).toMatchObject({
		...{ status: 200, body: { ...made.body, name: "Kemeja" } },
	});
	expect((await ask("DELETE", path, { as: keeper })).status).toBe(204);
	for (const [method, body] of [
		["GET", undefined],
		["PATCH", { name: "x" }],
		["DELETE", undefined],
	] as const) {
		expectProblem(await ask(method, path, { as: keeper, body }), 404, "PRODUCT_GROUP_NOT_FOUND");
	}
});

test("a variant is added once, with the problem that names the other one, and shown in its group", async () => {
	const group_id = await newGroup();
	const options = { ukuran: "M", warna: "Merah" };
	const made = await ask("POST", "/products", {
		as: keeper,
		body: { ...product, group_id, options, weight_g: 180 },
	});
	expect(made).toMatchObject({ status: 201, body: { group_id, options, weight_g: 180 } });
	const same = { ...product, group_id, options: { Warna: "MERAH", ukuran: "\uff2d" } };
	const refused = await ask("POST", "/products", { as: keeper, body: same });
	expectProblem(refused, 409, "VARIANT_EXISTS");
	expect(refused.body).toMatchObject({ product_id: made.body.id });
	for (const body of [
		{ ...product, group_id, options: { ukuran: "M" } },
		{ ...product, weight_g: 2 ** 31 },
	]) {
		expectProblem(await ask("POST", "/products", { as: keeper, body }), 422, "VALIDATION_FAILED");
	}
	const ambiguous = JSON.stringify({ ...product }).replace(/}$/, ',"weight_g":1.500}');
	expectProblem(await ask("POST", "/products", { as: keeper, body: ambiguous }), 422, "VALIDATION_FAILED");
	expectProblem(
		await ask("POST", "/products", { as: keeper, body: { ...same, group_id: "none" } }),
		...([404, "PRODUCT_GROUP_NOT_FOUND"] as const),
	);
	const { body: group } = await ask("GET", `/product-groups/${group_id}`, { as: keeper });
	expect(group.variants).toEqual([made.body]);
	const put = await ask("PATCH", `/product-groups/${group_id}`, {
		as: keeper,
		body: { options: ["ukuran"] },
	});
	expectProblem(put, 409, "GROUP_HAS_VARIANTS");
});

test("bodies of earlier clients still make products, with the defaults", async () => {
	const image_url = "https://toko.test/kopi.jpg";
	const made = await ask("POST", "/products", { as: keeper, body: { ...product, image_url } });
	expect(made).toMatchObject({
		status: 201,
		body: {
			image_url,
			image_urls: [image_url],
			group_id: null,
			options: null,
			weight_g: 0,
			requires_shipping: true,
		},
	});
	expect(
		await ask("PATCH", `/products/${made.body.id}`, { as: keeper, body: { image_url: null } }),
	).toMatchObject({
		...{ status: 200, body: { image_url: null, image_urls: [] } },
	});
});

test("a buyer sees at once that the group of a cached product was removed, and orders it as before", async () => {
	const group_id = await newGroup();
	const options = { ukuran: "M", warna: "Merah" };
	const { body: variant } = await ask("POST", "/products", {
		as: keeper,
		body: { ...product, group_id, options },
	});
	const read = () => ask("GET", `/products/${variant.id}`, { as: buyer });
	expect((await read()).body).toMatchObject({ group_id });
	await ask("DELETE", `/product-groups/${group_id}`, { as: keeper });
	expect((await read()).body).toMatchObject({ group_id: null, options });
	const items = [{ product_id: variant.id, quantity: 1 }];
	expect(await ask("POST", "/orders", { as: buyer, body: { items } })).toMatchObject({ status: 201 });
});

test("a list with one product for each group has the number of variants and their prices, and a link to the next page", async () => {
	const category = `k${randomUUID().slice(0, 8)}`;
	const made: string[] = [];
	for (const prices of [[80_000, 95_000], [70_000]]) {
		const { body: group } = await ask("POST", "/product-groups", {
			as: keeper,
			body: { ...kaos, options: ["harga"] },
		});
		for (const price of prices) {
			const body = { ...product, category, price, group_id: group.id, options: { harga: String(price) } };
			made.push((await ask("POST", "/products", { as: keeper, body })).body.id);
		}
	}
	const list = `/products?category=${category}&collapse=true&limit=1`;
	const first = await ask("GET", list, { as: keeper });
	expect(first.body).toMatchObject([{ id: made[0], variant_count: 2, min_price: 80_000, max_price: 95_000 }]);
	const [, next = ""] = /<\/api\/v1(.*)>; rel="next"/.exec(first.headers.get("link") ?? "") ?? [];
	expect((await ask("GET", next)).body).toMatchObject([{ id: made[2], variant_count: 1, max_price: 70_000 }]);
	const { body: plain } = await ask("GET", `/products?category=${category}`, { as: keeper });
	expect(plain).toHaveLength(3);
	expect(plain[0]).not.toHaveProperty("variant_count");
	expectProblem(await ask("GET", "/products?collapse=yes"), 422, "VALIDATION_FAILED");
});
