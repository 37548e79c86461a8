import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { ServiceBroker } from "moleculer";
import pg from "pg";
import { databaseUrl, settings } from "../../config/settings.ts";
import { callAction } from "../../contracts/actions.ts";
import { asService } from "../../middlewares/permissions.ts";
import { checkDuePayments, type PayingService } from "../../services/orders/payments.ts";
import { expireOrders } from "../../services/orders/transitions.ts";
import { sign } from "../../services/orders/webhook.ts";
import { audit } from "../../tools/audit/audit.ts";
import { openSources } from "../../tools/audit/sources.ts";
import { eventually, newProduct, newUser, type Person, SERVICES, startNode } from "./shop.ts";

let shop: ServiceBroker;
let buyer: Person;
let product_id: string;

beforeAll(async () => {
	shop = await startNode(...SERVICES);
	buyer = await newUser(shop);
	product_id = (await newProduct(shop, 1_000_000)).id;
});

afterAll(() => shop.stop());

interface Pending {
	id: string;
	reference: string;
	amount: number;
}

/** Places an order with an open transfer. */
async function pending(): Promise<Pending> {
	const { id } = await buyer.call("v1.orders.place", { items: [{ product_id, quantity: 1 }] });
	const { payment } = await buyer.call("v1.orders.pay", { id, method: "transfer" });
	return { id, reference: payment?.reference as string, amount: payment?.amount as number };
}

async function paid(): Promise<Pending> {
	const order = await pending();
	await tell("payment.settled", order);
	return order;
}

/** Sends a webhook with a new id. */
function tell(type: string, { reference, amount }: Pending) {
	const payload = JSON.stringify({ id: randomUUID(), type, reference, amount });
	const secret = settings.paymentWebhookSecret;
	const signature = sign(secret, payload, Math.floor(Date.now() / 1000));
	return callAction(shop, "v1.orders.takePaymentEvent", { payload, signature });
}

const service = () => shop.getLocalService({ name: "orders", version: 1 }) as unknown as PayingService;

function job(name: string, payload: object) {
	const task = service().tasks[name] as (...given: unknown[]) => Promise<unknown>;
	return task(payload, {});
}

async function expire({ id }: Pending) {
	await service().transaction(async (client) => {
		await client.query("UPDATE orders SET expires_at = now() WHERE id = $1", [id]);
		await client.query("UPDATE payments SET due_at = now(), check_at = now() WHERE order_id = $1", [id]);
	});
	await expireOrders(service());
}

async function checkPayment({ reference }: Pending) {
	await service().pool.query("UPDATE payments SET check_at = now() WHERE reference = $1", [reference]);
	await checkDuePayments(service());
}

const STEPS: Record<string, (order: Pending) => Promise<unknown>> = {
	"pay at once": ({ id }) => buyer.call("v1.orders.pay", { id }),
	"pay by transfer": ({ id }) => buyer.call("v1.orders.pay", { id, method: "transfer" }),
	settle: (order) => tell("payment.settled", order),
	fail: (order) => tell("payment.failed", order),
	cancel: ({ id }) => buyer.call("v1.orders.cancel", { id }),
	expire,
	"look after the payment": checkPayment,
	"give late money back": ({ reference }) => job("refund_payment", { reference }),
	ship: ({ id }) => callAction(shop, "v1.orders.ship", { id }, asService()),
	"refund a part": ({ id }) => callAction(shop, "v1.orders.addRefund", { id, amount: 1 }, asService()),
	refund: ({ id }) => callAction(shop, "v1.orders.refund", { id, restock: true }, asService()),
};

const names = Object.keys(STEPS);
const pairs = names.flatMap((one, index) => names.slice(index).map((other) => [one, other] as const));

/** Returns unexpected outcomes: all but success, a refusal, or a payment that was ended before it was made. */
async function failures(work: Promise<unknown>[]): Promise<string[]> {
	const settled = await Promise.allSettled(work);
	return settled.flatMap((outcome) => {
		if (outcome.status === "fulfilled") {
			return [];
		}
		const { code, type, message } = outcome.reason;
		return code === 409 || type === "PAYMENT_NOT_MADE" ? [] : [`${code} ${message}`];
	});
}

describe.each([
	["pending", pending],
	["paid", paid],
])("of an order that is %s", (_, make) => {
	test.each(pairs)("%s and %s at once, some times each, end in no failure", async (one, other) => {
		const order = await make();
		const both = [STEPS[one], STEPS[other]] as ((order: Pending) => Promise<unknown>)[];
		const work = Array.from({ length: 4 }, () => both.map((step) => step(order))).flat();
		expect(await failures(work)).toEqual([]);
	});
});

test("ten messages of one settlement at once are all taken, and the order is paid", async () => {
	const orders = await Promise.all(Array.from({ length: 5 }, pending));
	const work = orders.flatMap((order) => Array.from({ length: 10 }, () => tell("payment.settled", order)));
	expect(await failures(work)).toEqual([]);
	for (const { id } of orders) {
		expect(await buyer.call("v1.orders.get", { id })).toMatchObject({ status: "paid" });
	}
});

test("a request to pay at once that races with its own webhook is answered with the paid order", async () => {
	const { pool } = shop.getLocalService({ name: "orders", version: 1 }) as unknown as PayingService;
	for (let round = 0; round < 30; round++) {
		const { id, total } = await buyer.call("v1.orders.place", { items: [{ product_id, quantity: 1 }] });
		const paying = buyer.call("v1.orders.pay", { id });
		const reference = await eventually("the payment", async () => {
			const { rows } = await pool.query("SELECT reference FROM payments WHERE order_id = $1", [id]);
			return rows[0]?.reference as string | undefined;
		});
		const [answer] = await Promise.all([paying, tell("payment.settled", { id, reference, amount: total })]);
		expect(answer).toMatchObject({ status: "paid" });
	}
});

test("afterwards the audit finds nothing, and PostgreSQL saw no deadlock", async () => {
	const sources = await openSources();
	const { breaches } = await audit(sources, 40_000);
	await sources.close();
	expect(breaches).toEqual([]);
	// Sessions flush their statistics at their end at the latest.
	await shop.stop();
	const client = new pg.Client(databaseUrl("orders"));
	await client.connect();
	await eventually("the sessions of the shop to end", async () => {
		const { rows } = await client.query(
			`SELECT count(*)::integer AS others FROM pg_stat_activity
			WHERE datname = current_database() AND pid <> pg_backend_pid()`,
		);
		return rows[0].others === 0;
	});
	const { rows } = await client.query(
		"SELECT deadlocks::integer FROM pg_stat_database WHERE datname = current_database()",
	);
	await client.end();
	expect(rows).toEqual([{ deadlocks: 0 }]);
});
