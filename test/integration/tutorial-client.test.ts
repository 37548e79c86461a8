import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { ServiceBroker } from "moleculer";
import { expectProblem, type Sending, send } from "./rest.ts";
import {
	admin,
	eventually,
	newProduct,
	newUser,
	PASSWORD,
	type Person,
	SERVICES,
	startGateway,
	startNode,
} from "./shop.ts";

let shop: ServiceBroker;
let gateway: ServiceBroker;
let address: string;
let buyer: Person;
let keeper: Person;

beforeAll(async () => {
	shop = await startNode(...SERVICES);
	({ gateway, address } = await startGateway());
	await eventually("a ready shop", async () => (await fetch(`${address}/health/ready`)).status === 200);
	buyer = await newUser(shop);
	keeper = await admin(shop);
});

afterAll(async () => {
	await gateway.stop();
	await shop.stop();
});

const request = (method: string, path: string, sending?: Sending) => send(address, method, path, sending);

describe.each(["/api", "/api/v1"])("a client of the tutorial, below %s", (base) => {
	test("registers, logs in and is known by its token", async () => {
		const username = `c${Date.now()}${base.length}`;
		const person = { email: `${username}@toko.test`, username, password: PASSWORD, full_name: "Citra" };
		const registered = await request("POST", `${base}/users/register`, { body: person });
		expect(registered.status).toBe(201);
		expect(registered.body).toEqual({
			...{ id: expect.any(Number), email: person.email, username, full_name: "Citra", role: "user" },
			...{ is_active: true, is_verified: false, created_at: expect.any(String) },
		});
		expect(registered.headers.get("location")).toBe(`/api/v1/users/${registered.body.id}`);
		expectProblem(await request("POST", `${base}/users/register`, { body: person }), 400, "EMAIL_TAKEN");

		const login = await request("POST", `${base}/users/login`, {
			body: { email: person.email, password: PASSWORD },
		});
		expect(login).toMatchObject({ status: 200, body: { token_type: "bearer", expires_in: 900 } });
		const headers = { authorization: `Bearer ${login.body.access_token}` };
		const verified = await request("POST", `${base}/users/verify`, { headers });
		expect(verified).toMatchObject({
			status: 200,
			body: { id: registered.body.id, email: person.email, role: "user" },
		});
		expect((await request("GET", `${base}/users/${registered.body.id}`, { headers })).body).toEqual(
			registered.body,
		);
		expect((await request("GET", `${base}/users?limit=2`, { as: keeper })).body).toHaveLength(2);
		expectProblem(await request("GET", `${base}/users`, { headers }), 403, "FORBIDDEN");
		const wrong = { body: { email: person.email, password: "something-else" } };
		expectProblem(await request("POST", `${base}/users/login`, wrong), 401, "BAD_CREDENTIALS");
	});

	test("asks for mails, verifies an address, sets a password and deletes the account", async () => {
		const person = await newUser(shop);
		for (const path of ["verify-email", "forgot-password"]) {
			for (const email of [person.email, "nobody@toko.test"]) {
				const asked = await request("POST", `/api/v1/users/${path}`, { body: { email } });
				expect([asked.status, asked.body.message]).toEqual([202, expect.stringMatching(/^If /)]);
			}
		}
		expectProblem(
			await request("POST", "/api/v1/users/verify-email", { body: { token: "verify.1.2.x" } }),
			400,
			"MAIL_TOKEN_INVALID",
		);
		const body = { token: "reset.1.2.x", new_password: "rahasia-baru" };
		expectProblem(await request("POST", "/api/v1/users/reset-password", { body }), 400, "MAIL_TOKEN_INVALID");
		expect((await request("DELETE", `/api/v1/users/${person.id}`, { as: buyer })).status).toBe(404);
		expect(await request("DELETE", `/api/v1/users/${person.id}`, { as: person })).toMatchObject({
			status: 204,
			body: undefined,
		});
		expectProblem(await request("GET", "/api/v1/users/me", { as: person }), 401, "TOKEN_INVALID");
	});

	test("adds, finds and lists products and changes stock", async () => {
		const given = { name: "Kopi", description: "Arabika", price: 50_000, stock: 2, category: "Gateway" };
		const added = await request("POST", `${base}/products`, { as: keeper, body: given });
		expect(added).toMatchObject({
			status: 201,
			body: { ...given, category: "gateway", image_url: null, currency: "IDR" },
		});
		const { id } = added.body;
		expect((await request("GET", `${base}/products/${id}`)).body).toEqual(added.body);
		expect((await request("GET", `${base}/products?category=gateway&skip=0&limit=100`)).body).toContainEqual(
			added.body,
		);
		const change = (quantity: string) =>
			request("PUT", `${base}/products/${id}/stock?quantity=${quantity}`, { as: keeper });
		expect(await change("3")).toMatchObject({
			status: 200,
			body: { message: "Stok berhasil diupdate", stock: 5 },
		});
		expect(await change("-5")).toMatchObject({ status: 200, body: { stock: 0 } });
		expectProblem(await change("-1"), 409, "STOCK_WOULD_BE_NEGATIVE");
		expectProblem(await request("POST", `${base}/products`, { as: buyer, body: given }), 403, "FORBIDDEN");
		expect(await request("DELETE", `${base}/products/${id}`, { as: keeper })).toMatchObject({
			status: 204,
			body: undefined,
		});
		expectProblem(await request("GET", `${base}/products/${id}`), 404, "PRODUCT_NOT_FOUND");
	});

	test("places an order with a token and gets its mails", async () => {
		const product = await newProduct(shop, 5);
		const body = { items: [{ product_id: product.id, quantity: 2 }], shipping_address: "Jl. Melati 1" };
		const headers = { "idempotency-key": `key-${base}` };
		expectProblem(await request("POST", `${base}/orders`, { body }), 401, "UNAUTHENTICATED");
		const placed = await request("POST", `${base}/orders`, { as: buyer, body, headers });
		expect(placed).toMatchObject({
			status: 201,
			body: { status: "pending", total: 30_000, shipping_address: "Jl. Melati 1" },
		});
		const again = await request("POST", `${base}/orders`, { as: buyer, body, headers });
		expect([again.status, again.body, again.headers.get("location")]).toEqual([
			201,
			placed.body,
			placed.headers.get("location"),
		]);
		expect((await request("GET", `${base}/orders/${placed.body.id}`, { as: buyer })).body).toEqual(
			placed.body,
		);
		await eventually("the confirmation", async () =>
			(await request("GET", `${base}/notifications`, { as: buyer })).body.some(
				({ subject }: { subject: string }) => subject === `Konfirmasi Order #${placed.body.number}`,
			),
		);
		const short = { items: [{ product_id: product.id, quantity: 9 }] };
		const refused = await request("POST", `${base}/orders`, { as: buyer, body: short });
		expectProblem(refused, 409, "OUT_OF_STOCK");
		expect(refused.body.errors).toMatchObject([{ product_id: product.id, requested: 9, available: 3 }]);
	});
});
