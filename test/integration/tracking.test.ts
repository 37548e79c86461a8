import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { ServiceBroker } from "moleculer";
import { callAction } from "../../contracts/actions.ts";
import { READS_DETAILS } from "../../contracts/notifications.ts";
import { asService } from "../../middlewares/permissions.ts";
import type { PayingService } from "../../services/orders/payments.ts";
import { loseRecords, newKey } from "./keyed-client.ts";
import { mailsTo } from "./mailbox.ts";
import { api } from "./rest.ts";
import { REGULAR } from "./shipping.ts";
import { admin, newProduct, newUser, type Person, SERVICES, startGateway, startNode } from "./shop.ts";

let shop: ServiceBroker;
let gateway: ServiceBroker;
let address: string;
let keeper: Person;
const { call, post } = api(() => address);

beforeAll(async () => {
	shop = await startNode(...SERVICES);
	({ gateway, address } = await startGateway());
	keeper = await admin(shop);
	await post("/shipping-methods", keeper, REGULAR);
});

afterAll(async () => {
	await gateway.stop();
	await shop.stop();
});

const PARCEL = { carrier: "JNE & Söhne", tracking_number: "CGK-0001 <b>" };

async function paidOrder() {
	const buyer = await newUser(shop);
	const { id: product_id } = await newProduct(shop, 5);
	const order = await buyer.call("v1.orders.place", { items: [{ product_id, quantity: 2 }] });
	await buyer.call("v1.orders.pay", { id: order.id });
	return { buyer, id: order.id };
}

const database = () =>
	(shop.getLocalService({ name: "orders", version: 1 }) as unknown as PayingService).pool;

/** Returns the data of an event in the outbox. */
async function dataOf(id: string, name: string) {
	const { rows } = await database().query("SELECT data FROM outbox WHERE aggregate = $1 AND name = $2", [
		`order:${id}`,
		name,
	]);
	return rows.map(({ data }) => data);
}

describe("an order that is shipped", () => {
	/** An order that no case changes. */
	let paid: { id: string };

	beforeAll(async () => {
		paid = await paidOrder();
	});

	test("tells by whom it is carried under which number, and so does its mail", async () => {
		const { buyer, id } = await paidOrder();
		expect((await call("GET", `/orders/${id}`, buyer)).body).toMatchObject({
			carrier: null,
			tracking_number: null,
		});
		const given = { carrier: `  ${PARCEL.carrier} `, tracking_number: PARCEL.tracking_number };
		expect(await post(`/orders/${id}/ship`, keeper, given)).toMatchObject({
			...{ status: 200, body: { status: "shipped", ...PARCEL } },
		});
		expect((await call("GET", `/orders/${id}`, buyer)).body).toMatchObject(PARCEL);
		expect(await dataOf(id, "order.shipped")).toMatchObject([PARCEL]);
		const [mail] = await mailsTo(shop, buyer, "order_shipped");
		expect(mail).toContain(PARCEL.carrier);
		expect(mail).toContain(PARCEL.tracking_number);
	});

	test("may lack one of them or both", async () => {
		const bodies = [undefined, {}, { carrier: "JNE" }, { tracking_number: "1" }];
		const sent = bodies.map(async (body) => {
			const { buyer, id } = await paidOrder();
			expect(await post(`/orders/${id}/ship`, keeper, body)).toMatchObject({
				...{ status: 200, body: { carrier: null, tracking_number: null, ...body } },
			});
			expect(await mailsTo(shop, buyer, "order_shipped")).toHaveLength(1);
		});
		await Promise.all(sent);
	});

	test("succeeds again for its key, and keeps the first number", async () => {
		const { id } = await paidOrder();
		const key = { "idempotency-key": newKey() };
		const first = await post(`/orders/${id}/ship`, keeper, PARCEL, key);
		expect(await post(`/orders/${id}/ship`, keeper, PARCEL, key)).toMatchObject({
			status: 200,
			body: first.body,
		});
		await loseRecords(gateway);
		await post(`/orders/${id}/ship`, keeper, { carrier: "Other" });
		expect((await call("GET", `/orders/${id}`, keeper)).body).toMatchObject({ status: "shipped", ...PARCEL });
	});

	test.each([
		["a carrier of nothing", { carrier: " " }],
		["two lines", { tracking_number: "1\n2" }],
		["a number of 101 characters", { tracking_number: "1".repeat(101) }],
		["a control character", { carrier: "JNE\u0007" }],
		["a number as a number", { tracking_number: 1 }],
		["an unknown field", { tracking: "1" }],
	])("refuses %s and stays as it is", async (_, body) => {
		const { id } = paid;
		expect(await post(`/orders/${id}/ship`, keeper, body)).toMatchObject({
			...{ status: 422, body: { code: "VALIDATION_FAILED" } },
		});
		expect((await call("GET", `/orders/${id}`, keeper)).body.status).toBe("paid");
	});
});

describe("beside notifications of the version before", () => {
	const notifications = () =>
		shop.registry.getServiceList({}).find(({ name }: { name: string }) => name === "notifications") as {
			metadata: Record<string, unknown>;
		};

	test("events have no new fields, and mails leave as before", async () => {
		notifications().metadata[READS_DETAILS] = false;
		try {
			const { buyer, id } = await paidOrder();
			await post(`/orders/${id}/ship`, keeper, PARCEL);
			await post(`/orders/${id}/refunds`, keeper, { amount: 10_000 });
			await post(`/orders/${id}/refund`, keeper, {});
			const moved = ["currency", "number", "order_id", "total_minor", "user_id"];
			for (const name of ["order.shipped", "order.refunded"]) {
				expect((await dataOf(id, name)).map((data) => Object.keys(data).sort())).toEqual([moved]);
			}
			expect(await mailsTo(shop, buyer, "order_refunded")).toHaveLength(1);

			const { id: discounted } = await discountedOrder(buyer);
			const [{ items, ...order }] = await dataOf(discounted, "order.placed");
			expect(Object.keys(order).sort()).toEqual(moved);
			expect(Object.keys(items[0]).sort()).toEqual(["name", "price_minor", "product_id", "quantity"]);
			expect(await mailsTo(shop, buyer, "order_confirmation", 2)).toHaveLength(2);
		} finally {
			notifications().metadata[READS_DETAILS] = true;
		}
	});
});

/** Places an order of two units of a variant, with a discount of a tenth and shipping for 9,000. */
async function discountedOrder(buyer: Person) {
	const code = `V-${randomUUID()}`;
	await post("/vouchers", keeper, { code, kind: "percent", value: 10 });
	const group = { name: "Kaos", description: "", category: "kaos", options: ["ukuran"] };
	const { body } = await post("/product-groups", keeper, group);
	const { body: product } = await post("/products", keeper, {
		...{ name: "Kaos", description: "", price: 15_000, stock: 5, category: "kaos", weight_g: 200 },
		...{ group_id: body.id, options: { ukuran: "M" } },
	});
	return buyer.call("v1.orders.place", {
		...{
			items: [{ product_id: product.id, quantity: 2 }],
			voucher_code: code,
			shipping_method: REGULAR.code,
		},
		address: {
			...{ recipient: "Budi", phone: "+6281234567890", line1: "Jalan Braga 99", city: "Bandung" },
			...{ province: "Jawa Barat", postal_code: "40115" },
		},
	});
}

test("the confirmation of an order names options, discount and shipping", async () => {
	const buyer = await newUser(shop);
	const { total } = await discountedOrder(buyer);
	expect(total).toBe(36_000);
	const [mail = ""] = await mailsTo(shop, buyer, "order_confirmation");
	const rows = mail.split("\n").filter((line) => line.includes("Rp"));
	expect(rows.map((row) => row.replaceAll(/\s+/g, " ").trim())).toEqual([
		"2 × Kaos (ukuran: M) Rp 30.000",
		"Diskon −Rp 3.000",
		"Ongkos kirim Rp 9.000",
		"Total Rp 36.000",
	]);
});

test("refunds of parts are told by mail, with the sum so far, and the last one with the rest", async () => {
	const { buyer, id } = await paidOrder();
	await post(`/orders/${id}/refunds`, keeper, { items: [{ line: 1, quantity: 1 }] });
	await post(`/orders/${id}/refunds`, keeper, { amount: 1_000 });
	await post(`/orders/${id}/refund`, keeper, {});
	const parts = (await mailsTo(shop, buyer, "order_partly_refunded", 2)).map((text) =>
		text.replaceAll("\n", " "),
	);
	expect(parts).toEqual(
		expect.arrayContaining([
			expect.stringMatching(/Rp 15\.000 untuk order .* Rp 15\.000 dari Rp 30\.000/),
			expect.stringMatching(/Rp 1\.000 untuk order .* Rp 16\.000 dari Rp 30\.000/),
		]),
	);
	const [rest] = await mailsTo(shop, buyer, "order_refunded");
	expect(rest?.replaceAll("\n", " ")).toMatch(/Rp 14\.000, yaitu sisa dari Rp 30\.000/);
});

test("a deleted user's tracking numbers and reasons of refunds are erased, once the order is settled", async () => {
	const { buyer, id } = await paidOrder();
	await post(`/orders/${id}/ship`, keeper, PARCEL);
	await post(`/orders/${id}/refunds`, keeper, { amount: 1, reason: "Budi was not at home" });
	const kept = async () => {
		const { rows } = await database().query(
			"SELECT tracking_number, reason FROM orders o JOIN refunds r ON r.order_id = o.id WHERE o.id = $1",
			[id],
		);
		return rows;
	};
	await callAction(shop, "v1.orders.forgetUser", { user_id: buyer.id }, asService());
	expect(await kept()).toEqual([{ tracking_number: PARCEL.tracking_number, reason: "Budi was not at home" }]);
	await post(`/orders/${id}/complete`, keeper, {});
	// As numbering does: neither waits for the other.
	const numbering = await database().connect();
	await numbering.query("BEGIN");
	await numbering.query(
		"SELECT FROM orders o JOIN refunds r ON r.order_id = o.id WHERE o.id = $1 FOR KEY SHARE",
		[id],
	);
	await callAction(shop, "v1.orders.forgetUser", { user_id: buyer.id }, asService());
	await numbering.query("ROLLBACK");
	numbering.release();
	expect(await kept()).toEqual([{ tracking_number: null, reason: null }]);
});
