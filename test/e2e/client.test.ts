import { afterAll, beforeAll, expect, test } from "@jest/globals";
import createClient from "openapi-fetch";
import { cleanUp, startShop, until } from "../../tools/shop-process.ts";
import type { paths } from "./api-types.ts";
import { preparedFolder } from "./prepared-folder.ts";

/** A client typed by the OpenAPI document: calls that violate it do not compile. */
let client: ReturnType<typeof createClient<paths>>;

beforeAll(async () => {
	const { address } = await startShop(await preparedFolder());
	client = createClient<paths>({ baseUrl: address });
});

afterAll(cleanUp);

test("a client generated from the document registers, orders, pays and gets its mails", async () => {
	const person = { email: "gita@toko.test", password: "rahasia-sekali" };
	const registered = await client.POST("/api/v1/users/register", {
		body: { ...person, username: "gita", full_name: "Gita" },
	});
	expect(registered.data).toMatchObject({ email: person.email, role: "user" });
	const taken = await client.POST("/api/v1/users/register", {
		body: { ...person, username: "gita2", full_name: "Gita" },
	});
	expect(taken.error).toMatchObject({ status: 400, code: "EMAIL_TAKEN" });

	const login = await client.POST("/api/v1/users/login", { body: person });
	const headers = { authorization: `Bearer ${login.data?.access_token}` };
	const products = await client.GET("/api/v1/products", {
		params: { query: { q: "kopi", in_stock: true, sort: "price", limit: 3 } },
	});
	expect(products.data).toHaveLength(3);
	const product_id = products.data?.[0]?.id as string;
	const placed = await client.POST("/api/v1/orders", {
		headers,
		params: { header: { "idempotency-key": "gita-1" } },
		body: { items: [{ product_id, quantity: 1 }] },
	});
	const id = placed.data?.id as string;
	expect(placed.data).toMatchObject({ status: "pending", total: products.data?.[0]?.price });
	const paid = await client.POST("/api/v1/orders/{id}/pay", {
		headers,
		params: { path: { id } },
		body: { method: "instant" },
	});
	expect(paid.data?.status).toBe("paid");
	await until("the mails", async () => {
		const { data = [] } = await client.GET("/api/v1/notifications", { headers });
		const sent = data.filter(({ status }) => status === "sent").map(({ type }) => type);
		return ["welcome", "order_confirmation", "order_paid"].every((type) => sent.includes(type));
	});
});
