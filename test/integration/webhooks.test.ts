import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { ServiceBroker } from "moleculer";
import type { PayingService } from "../../services/orders/payments.ts";
import { sign } from "../../services/orders/webhook.ts";
import { Gateway, now, pick, SECRET, type Told } from "./paying.ts";
import { newUser, type Person, startNode } from "./shop.ts";

let shop: ServiceBroker;
let gateway: Gateway;
let buyer: Person;

beforeAll(async () => {
	shop = await startNode("users", "products", "orders", "api");
	const { gatewayAddress } = await import("../../services/api/api.service.ts");
	gateway = new Gateway(shop, gatewayAddress(shop.getLocalService("api")));
	buyer = await newUser(shop);
});

afterAll(() => shop.stop());

const database = () =>
	(shop.getLocalService({ name: "orders", version: 1 }) as unknown as PayingService).pool;
const post: Gateway["post"] = (...given) => gateway.post(...given);
const tell = (told: Told) => gateway.tell(told);
const transfer = () => gateway.transfer(buyer);
const statusOf = async (id: string) => (await buyer.call("v1.orders.get", { id })).status;

describe("a webhook that is refused changes nothing", () => {
	test.each([
		["without a signature", () => ""],
		["with a signature of another secret", (body: string) => sign("another", body, now())],
		["with a signature of another body", () => sign(SECRET(), "{}", now())],
		["signed six minutes ago", (body: string) => sign(SECRET(), body, now() - 360)],
		["signed six minutes ahead", (body: string) => sign(SECRET(), body, now() + 360)],
		[
			"with a time that was changed",
			(body: string) => sign(SECRET(), body, now()).replace(/t=\d+/, `t=${now() - 1}`),
		],
		["with two times", (body: string) => `t=1,${sign(SECRET(), body, now())}`],
		["with nonsense", () => "t=NaN,v1=zz"],
	])("%s: 401", async (_, signature) => {
		const { order, payment } = await transfer();
		const body = JSON.stringify({ id: randomUUID(), type: "payment.settled", ...pick(payment) });
		const answer = await post("/payments/webhook", undefined, body, { "toko-signature": signature(body) });
		expect(answer).toMatchObject({ status: 401, body: { code: "SIGNATURE_INVALID" } });
		expect(await statusOf(order.id)).toBe("pending");
	});

	test.each([
		["of an unknown payment", { reference: "pay_unknown" }, 404, "PAYMENT_NOT_FOUND"],
		["of another amount", { amount: 29_999 }, 422, "PAYMENT_AMOUNT_DIFFERS"],
		["of a part of the smallest unit more", { amount: 30_000.4 }, 422, "VALIDATION_FAILED"],
		["of a part of the smallest unit less", { amount: 29_999.5 }, 422, "VALIDATION_FAILED"],
		["of more than can be kept", { amount: 1e21 }, 422, "VALIDATION_FAILED"],
		["with an unknown type", { type: "payment.maybe" }, 422, "VALIDATION_FAILED"],
		["with an unknown field", { currency: "IDR" }, 422, "VALIDATION_FAILED"],
		["with an amount as text", { amount: "30000" }, 422, "VALIDATION_FAILED"],
	])("%s", async (_, changes, status, code) => {
		const { order, payment } = await transfer();
		const id = randomUUID();
		expect(await tell({ ...pick(payment), id, ...changes } as Told)).toMatchObject({
			status,
			body: { code },
		});
		expect(await statusOf(order.id)).toBe("pending");
		// Its id is not used up: the correct webhook is accepted.
		expect((await tell({ ...pick(payment), id })).status).toBe(200);
		expect(await statusOf(order.id)).toBe("paid");
	});

	test("that is no JSON", async () => {
		const answer = await post("/payments/webhook", undefined, "{", {
			"toko-signature": sign(SECRET(), "{", now()),
		});
		expect(answer).toMatchObject({ status: 400, body: { code: "MALFORMED_BODY" } });
	});
});

describe("the id of a webhook", () => {
	test.each([
		["another reference", async () => pick((await transfer()).payment)],
		["another type", async () => ({ type: "payment.failed" })],
		["another amount", async () => ({ amount: 29_999 })],
		["a reference that there is not", async () => ({ reference: "pay_unknown" })],
	])("that was used before is refused with %s, and nothing is changed", async (_, change) => {
		const { order, payment } = await transfer();
		const id = randomUUID();
		expect((await tell({ ...pick(payment), id })).status).toBe(200);
		const other = { ...pick(payment), id, ...(await change()) };
		for (let time = 0; time < 2; time++) {
			expect(await tell(other)).toMatchObject({ status: 409, body: { code: "WEBHOOK_ID_REUSED" } });
		}
		const { rows } = await database().query("SELECT status FROM payments WHERE reference = $1", [
			other.reference,
		]);
		expect(rows.map(({ status }) => status)).toEqual(
			other.reference === "pay_unknown" ? [] : [other.reference === payment.reference ? "settled" : "open"],
		);
		expect(await statusOf(order.id)).toBe("paid");
		// The same webhook is deduplicated.
		expect(await tell({ ...pick(payment), id })).toEqual({ status: 200, body: { received: true } });
	});

	test("that said failed is not that of the settlement, which is taken under its own", async () => {
		const { order, payment } = await transfer();
		const id = randomUUID();
		expect((await tell({ ...pick(payment), id, type: "payment.failed" })).status).toBe(200);
		expect((await tell({ ...pick(payment), id })).status).toBe(409);
		expect(await statusOf(order.id)).toBe("pending");
		expect((await tell(pick(payment))).status).toBe(200);
		expect(await statusOf(order.id)).toBe("paid");
	});

	test("that two payments come with at the same moment is that of one", async () => {
		const id = randomUUID();
		const transfers = [await transfer(), await transfer(), await transfer()];
		const answers = await Promise.all(transfers.map(({ payment }) => tell({ ...pick(payment), id })));
		expect(answers.map(({ status }) => status).sort()).toEqual([200, 409, 409]);
		const states = await Promise.all(transfers.map(({ order }) => statusOf(order.id)));
		expect(states).toEqual(answers.map(({ status }) => (status === 200 ? "paid" : "pending")));
	});

	test("is reported in the reader's language", async () => {
		const { payment } = await transfer();
		const id = randomUUID();
		await tell({ ...pick(payment), id });
		const body = JSON.stringify({ id, type: "payment.failed", ...pick(payment) });
		const signature = { "toko-signature": sign(SECRET(), body, now()), "accept-language": "id" };
		expect(await post("/payments/webhook", undefined, body, signature)).toMatchObject({
			status: 409,
			body: { detail: expect.stringContaining("Id webhook ini sudah dipakai") },
		});
	});
});

test("a provider may send the signatures of two secrets while one is changed", async () => {
	const { order, payment } = await transfer();
	const body = JSON.stringify({ id: randomUUID(), type: "payment.settled", ...pick(payment) });
	const [old] = [sign("the old secret", body, now())];
	const [, right] = sign(SECRET(), body, now()).split(",");
	expect(
		(await post("/payments/webhook", undefined, body, { "toko-signature": `${old},${right}` })).status,
	).toBe(200);
	expect(await statusOf(order.id)).toBe("paid");
});
