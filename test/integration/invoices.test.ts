import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { ServiceBroker } from "moleculer";
import { databaseUrl } from "../../config/settings.ts";
import { postgresPool } from "../../database/postgres-client.ts";
import { pdfTexts } from "../pdf-text.ts";
import { setVariables } from "../variables.ts";
import { expectProblem, send } from "./rest.ts";
import { admin, eventually, newProduct, newUser, type Person, startGateway, startNode } from "./shop.ts";

let shop: ServiceBroker;
let gateway: ServiceBroker;
let address: string;
let keeper: Person;
let budi: Person;
const pool = postgresPool({ connectionString: databaseUrl("orders"), max: 1 });

beforeAll(async () => {
	setVariables({ TAX_RATE: "11", INVOICE_PREFIX: "2026/", INVOICE_SELLER: "Toko Budi\\nBandung" });
	shop = await startNode("users", "products", "orders");
	({ gateway, address } = await startGateway());
	keeper = await admin(shop);
	budi = await newUser(shop);
	// The first PDF loads its modules, which takes Jest seconds on a busy machine.
	const { fonts } = await import("../../services/orders/invoices/glyphs.ts");
	await import("../../services/orders/invoices/pdf.ts");
	fonts();
});

afterAll(async () => {
	setVariables({ TAX_RATE: undefined, INVOICE_PREFIX: undefined, INVOICE_SELLER: undefined });
	await pool.end();
	await gateway.stop();
	await shop.stop();
});

async function newOrder(buyer = budi) {
	const { id } = await newProduct(shop, 5, 15_000);
	return buyer.call("v1.orders.place", {
		items: [{ product_id: id, quantity: 2 }],
		shipping_address: "Siti Ñandú\nJl. Braga 1",
	});
}

async function paidOrder(buyer = budi) {
	const { id } = await newOrder(buyer);
	return buyer.call("v1.orders.pay", { id });
}

/** Reads an invoice as a client does. */
async function read(id: string, as: Person = budi, headers: Record<string, string> = {}) {
	const response = await fetch(`${address}/api/v1/orders/${id}/invoice`, {
		headers: { authorization: `Bearer ${as.token}`, ...headers },
	});
	const bytes = Buffer.from(await response.arrayBuffer());
	return { status: response.status, headers: response.headers, bytes, text: bytes.toString() };
}

/** Reads a credit note as a client does. */
async function readNote(id: string, note: string, headers: Record<string, string> = {}, as = budi) {
	const response = await fetch(`${address}/api/v1/orders/${id}/credit-notes/${note}`, {
		headers: { authorization: `Bearer ${as.token}`, ...headers },
	});
	const bytes = Buffer.from(await response.arrayBuffer());
	return { status: response.status, headers: response.headers, bytes, text: bytes.toString() };
}

/** Removes the latest invoice, so that its order is one that was paid before there were invoices. */
async function forgetInvoice(order_id: string): Promise<void> {
	const { rows } = await pool.query(
		`WITH gone AS (DELETE FROM invoices WHERE order_id = $1 RETURNING sequence)
		UPDATE invoice_counters SET last = last - 1 FROM gone WHERE series = 'invoices' AND last = sequence RETURNING last`,
		[order_id],
	);
	expect(rows).toHaveLength(1);
}

/** Expects a problem in response to a request for an invoice. */
async function expectRefusal(status: number, code: string, id: string, as?: Person, headers = {}) {
	expectProblem(
		await send(address, "GET", `/api/v1/orders/${id}/invoice`, { ...(as ? { as } : {}), headers }),
		status,
		code,
	);
}

async function numberOf(order_id: string): Promise<string | undefined> {
	const { rows } = await pool.query("SELECT number FROM invoices WHERE order_id = $1", [order_id]);
	return rows[0]?.number;
}

describe("an invoice", () => {
	let paid: { id: string };

	beforeAll(async () => {
		paid = await paidOrder();
	});

	test("can be read as soon as its order is paid, always under the same number", async () => {
		const order = await paidOrder();
		const { status, text, headers } = await read(order.id);
		expect(status).toBe(200);
		const number = await numberOf(order.id);
		expect(number).toMatch(/^2026\/\d{6}$/);
		expect(text).toContain(`<h1>Invoice ${number}</h1>`);
		for (const shown of [
			order.number,
			"Toko Budi",
			"Siti Ñandú",
			"Jl. Braga 1",
			"IDR 15,000",
			"Including 11% tax",
		]) {
			expect(text).toContain(shown);
		}
		expect(text).toContain(">IDR 2,973<");
		expect(headers.get("content-disposition")).toBe(`inline; filename="${number?.replace("/", "-")}.html"`);
		expect((await read(order.id)).text).toBe(text);
		expect((await read(order.id, keeper)).text).toBe(text);
	});

	test("is issued although nobody reads it", async () => {
		const order = await paidOrder();
		await eventually("its number", async () => (await numberOf(order.id)) !== undefined);
	});

	test("is for no cache and runs nothing", async () => {
		const { headers, text } = await read(paid.id);
		expect(headers.get("cache-control")).toBe("private, no-store");
		expect(headers.get("content-security-policy")).toMatch(
			/^default-src 'none'; style-src 'sha256-[\w+/]{43}='; base-uri 'none'; form-action 'none'; frame-ancestors 'none'$/,
		);
		expect(headers.get("x-content-type-options")).toBe("nosniff");
		expect(headers.get("vary")).toBe("Accept, Accept-Language, Accept-Encoding");
		expect(text).not.toContain("<script");
	});

	test("is a PDF with the same figures if the client prefers that", async () => {
		const { headers, bytes } = await read(paid.id, budi, { accept: "text/html;q=0.8, application/pdf" });
		expect(headers.get("content-type")).toBe("application/pdf");
		expect(headers.get("content-length")).toBe(String(bytes.length));
		expect(headers.get("content-disposition")).toMatch(/^inline; filename="2026-\d{6}\.pdf"$/);
		expect(pdfTexts(bytes).flat()).toEqual(
			expect.arrayContaining([`Invoice ${await numberOf(paid.id)}`, "Siti Ñandú", "IDR 30,000", "IDR 2,973"]),
		);
	});

	test.each([
		["id", "id", "Faktur"],
		["id-ID, en;q=0.5", "id", "Faktur"],
		["en-GB", "en", "Invoice"],
		["xx, *;q=0.1", "en", "Invoice"],
		["tlh", "en", "Invoice"],
		["\u00ff;;;q=nan,,", "en", "Invoice"],
	])("for Accept-Language %s is in %s", async (language, expected, title) => {
		const { headers, text } = await read(paid.id, budi, { "accept-language": language });
		expect(headers.get("content-language")).toBe(expected);
		expect(text).toContain(`<h1>${title} `);
	});

	test.each([
		["*/*", "text/html; charset=utf-8"],
		["application/*", "application/pdf"],
		["text/html;charset=UTF-8", "text/html; charset=utf-8"],
		["image/png, */*;q=0.1", "text/html; charset=utf-8"],
		["text/html;q=0, */*", "application/pdf"],
		["APPLICATION/PDF", "application/pdf"],
	])("for Accept %s is %s", async (accept, type) => {
		const { status, headers } = await read(paid.id, budi, { accept });
		expect([status, headers.get("content-type")]).toEqual([200, type]);
	});

	test.each([
		"application/json",
		"image/png",
		"text/html;q=0, application/pdf;q=0",
		";;;",
		"a".repeat(10_000),
	])("for Accept %.40s is refused", async (accept) => {
		await expectRefusal(406, "NOT_ACCEPTABLE", paid.id, budi, { accept });
	});

	test("is its buyer's and the admin's only", async () => {
		const { id } = paid;
		await expectRefusal(404, "ORDER_NOT_FOUND", id, await newUser(shop));
		await expectRefusal(401, "UNAUTHENTICATED", id);
		await expectRefusal(404, "ORDER_NOT_FOUND", "..%2F..%2Fusers", budi);
		await expectRefusal(404, "NOT_FOUND", "%00", budi);
		await expectRefusal(404, "NOT_FOUND", "a".repeat(5000), budi);
	});

	test("is not for an order that was not paid", async () => {
		const order = await newOrder();
		await expectRefusal(409, "ORDER_IN_OTHER_STATE", order.id, budi);
		await budi.call("v1.orders.cancel", { id: order.id });
		await expectRefusal(409, "ORDER_IN_OTHER_STATE", order.id, budi);
		expect(await numberOf(order.id)).toBeUndefined();
	});

	test("refuses headers of a megabyte", async () => {
		const { id } = paid;
		await expectRefusal(431, "HEADERS_TOO_LARGE", id, budi, { accept: "a/b, ".repeat(20_000) });
	});

	test("takes its format from no query string", async () => {
		const { id } = paid;
		const path = `/api/v1/orders/${id}/invoice?format=pdf`;
		expectProblem(await send(address, "GET", path, { as: budi }), 422, "VALIDATION_FAILED");
	});

	test("stays when the order is refunded", async () => {
		const { id } = await paidOrder();
		const { text } = await read(id);
		await keeper.call("v1.orders.refund", { id });
		expect((await read(id)).text).toBe(text);
	});

	test("of an order that costs nothing exists too", async () => {
		const code = `GRATIS${Date.now()}`;
		await keeper.call("v1.orders.addVoucher", { code, kind: "percent", value: 100 });
		const { id: product_id } = await newProduct(shop, 5, 15_000);
		const order = await budi.call("v1.orders.place", {
			items: [{ product_id, quantity: 1 }],
			voucher_code: code,
		});
		expect(order.status).toBe("paid");
		const { text } = await read(order.id);
		expect(text).toContain(`Discount (${code})`);
		expect(text).toContain(">−IDR 15,000<");
	});

	test("keeps number and figures, but not the person, of a deleted user", async () => {
		const siti = await newUser(shop);
		const { id } = await paidOrder(siti);
		const before = await read(id, siti);
		await keeper.call("v1.orders.ship", { id });
		await keeper.call("v1.orders.complete", { id });
		await keeper.call("v1.users.remove", { id: siti.id });
		await eventually("the address to be erased", async () => {
			const { rows } = await pool.query("SELECT shipping_address FROM orders WHERE id = $1", [id]);
			return rows[0].shipping_address === null;
		});
		const after = await read(id, keeper);
		expect(after.text).not.toContain("Siti");
		const erased =
			"<section><h2>Customer</h2><address><span>Siti Ñandú</span><span>Jl. Braga 1</span></address></section>";
		expect(after.text).toBe(before.text.replace(erased, ""));
	});
});

describe("an order that was paid before there were invoices", () => {
	test("gets an invoice when somebody reads it, once, and none before", async () => {
		const old = await paidOrder();
		await eventually("its number", async () => (await numberOf(old.id)) !== undefined);
		await forgetInvoice(old.id);
		const other = await paidOrder();
		await eventually("the number of a later one", async () => (await numberOf(other.id)) !== undefined);
		expect(await numberOf(old.id)).toBeUndefined();
		const read10 = await Promise.all(Array.from({ length: 10 }, () => read(old.id)));
		expect(new Set(read10.map(({ status, text }) => `${status} ${text}`)).size).toBe(1);
		const [first] = read10;
		expect(first?.text).toContain(`<h1>Invoice ${await numberOf(old.id)}</h1>`);
		const numbers = await pool.query("SELECT sequence FROM invoices ORDER BY sequence");
		expect(numbers.rows.map(({ sequence }) => Number(sequence))).toEqual(
			numbers.rows.map((_, place) => place + 1),
		);
	});
});

describe("a credit note", () => {
	test("exists as soon as its refund does, and corrects the invoice", async () => {
		const { id } = await paidOrder();
		const { id: refund_id } = await keeper.call("v1.orders.addRefund", {
			id,
			items: [{ line: 1, quantity: 1 }],
		});
		await keeper.call("v1.orders.refund", { id });
		const { status, body } = await send(address, "GET", `/api/v1/orders/${id}/credit-notes`, { as: budi });
		expect([status, body.length, body[0].refund_id]).toEqual([200, 2, refund_id]);
		const [first, second] = body;
		expect(body).toEqual([first, second].map((note) => ({ ...note, amount: 15_000 })));
		expect([first.number, second.number]).toEqual([
			expect.stringMatching(/^CN-2026\/\d{6}$/),
			expect.stringMatching(/^CN-2026\/\d{6}$/),
		]);
		const byNumber = await readNote(id, encodeURIComponent(first.number), { "accept-language": "id" });
		expect(byNumber.text).toContain(`<h1>Nota kredit ${first.number}</h1>`);
		expect(byNumber.text).toContain(`<dd>${await numberOf(id)}</dd>`);
		// The parts of 2,973 are 1,486 and 1,487.
		expect(byNumber.text).toContain(">Rp 1.486<");
		expect((await readNote(id, second.refund_id)).text).toContain(">IDR 1,487<");
		expect((await readNote(id, refund_id, { "accept-language": "id" })).text).toBe(byNumber.text);
		const pdf = await readNote(id, refund_id, { accept: "application/pdf" });
		expect(pdf.headers.get("content-disposition")).toBe(
			`inline; filename="${first.number.replace("/", "-")}.pdf"`,
		);
		expect(pdfTexts(pdf.bytes).flat()).toEqual(
			expect.arrayContaining([`Credit note ${first.number}`, "IDR 15,000", "IDR 1,486"]),
		);
	});

	test("is listed in pages", async () => {
		const { id } = await paidOrder();
		for (const amount of [1, 2, 3]) {
			await keeper.call("v1.orders.addRefund", { id, amount });
		}
		const page = `/api/v1/orders/${id}/credit-notes?limit=1&skip=1`;
		const { body, headers } = await send(address, "GET", page, { as: budi });
		expect(body).toMatchObject([{ amount: 2 }]);
		expect(headers.get("link")).toContain("skip=2");
	});

	test("is its buyer's and the admin's only, and only of its order", async () => {
		const [{ id }, other] = [await paidOrder(), await paidOrder()];
		const { id: refund_id } = await keeper.call("v1.orders.addRefund", { id, amount: 1 });
		const refused = async (path: string, as: Person, status: number, code: string) => {
			expectProblem(await send(address, "GET", `/api/v1/orders/${path}`, { as }), status, code);
		};
		const stranger = await newUser(shop);
		await refused(`${id}/credit-notes`, stranger, 404, "ORDER_NOT_FOUND");
		await refused(`${id}/credit-notes/${refund_id}`, stranger, 404, "ORDER_NOT_FOUND");
		await refused(`${other.id}/credit-notes/${refund_id}`, budi, 404, "CREDIT_NOTE_NOT_FOUND");
		await refused(`${id}/credit-notes/..%2F..%2Fetc%2Fpasswd`, budi, 404, "CREDIT_NOTE_NOT_FOUND");
		await refused(`${id}/credit-notes/%25`, budi, 404, "CREDIT_NOTE_NOT_FOUND");
		await refused(`${id}/credit-notes/${"9".repeat(200)}`, budi, 404, "NOT_FOUND");
		expect((await readNote(id, refund_id, {}, keeper)).status).toBe(200);
		expect(
			(await send(address, "GET", `/api/v1/orders/${other.id}/credit-notes`, { as: budi })).body,
		).toEqual([]);
	});

	test("is not for an order that was not paid", async () => {
		const { id } = await newOrder();
		const answer = await send(address, "GET", `/api/v1/orders/${id}/credit-notes`, { as: budi });
		expectProblem(answer, 409, "ORDER_IN_OTHER_STATE");
	});

	test("is issued although nobody reads it, with the invoice of an order that had none", async () => {
		const { id } = await paidOrder();
		await eventually("its number", async () => (await numberOf(id)) !== undefined);
		await forgetInvoice(id);
		const { id: refund_id } = await keeper.call("v1.orders.addRefund", { id, amount: 1 });
		await eventually("the credit note", async () => {
			const { rowCount } = await pool.query("SELECT FROM credit_notes WHERE refund_id = $1", [refund_id]);
			return rowCount === 1;
		});
		expect(await numberOf(id)).toBeDefined();
	});
});
