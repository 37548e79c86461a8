import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { newKey } from "./keyed-client.ts";
import { OrdersProcesses, type RacedShop, startRacedShop } from "./orders-processes.ts";
import { send } from "./rest.ts";
import { eventually, newProduct } from "./shop.ts";

const PAYMENTS = 100;
/** Fewer accounts than payments: passwords are slow to hash. */
const ACCOUNTS = 5;

let stop: RacedShop["stop"];
let shop: RacedShop["shop"];
let address: RacedShop["address"];
let client: RacedShop["client"];
let keeper: RacedShop["keeper"];
let buyer: RacedShop["buyer"];
const processes = new OrdersProcesses();
const { pool } = processes;

beforeAll(async () => {
	({ shop, address, client, keeper, buyer, stop } = await startRacedShop(processes, ACCOUNTS));
});

afterAll(() => stop());

/** Does something for each place at once, and kills a process each time that so many are done. */
async function whileKilling(work: (place: number) => Promise<void>): Promise<void> {
	let done = 0;
	const working = Array.from({ length: PAYMENTS }, async (_, place) => {
		await work(place);
		done += 1;
	});
	await processes.killAt(
		[0.1, 0.4, 0.7].map((share) => share * PAYMENTS),
		() => done,
	);
	await Promise.all(working);
}

/** Expects the numbers from 1 without gaps, and nothing that waits for one. */
async function expectNumbers(series: "invoices" | "credit_notes", queue: string, prefix: string) {
	await eventually("all numbers", async () => {
		const { rowCount } = await pool.query(`SELECT FROM ${queue}`);
		return rowCount === 0;
	});
	const { rows } = await pool.query(`SELECT number FROM ${series} ORDER BY sequence`);
	expect(rows.map(({ number }) => number)).toEqual(
		Array.from({ length: PAYMENTS }, (_, place) => `${prefix}${String(place + 1).padStart(6, "0")}`),
	);
	const counter = await pool.query("SELECT last::integer FROM invoice_counters WHERE series = $1", [series]);
	expect(counter.rows).toEqual([{ last: PAYMENTS }]);
}

const orders: string[] = [];

test(`${PAYMENTS} payments at once, while processes are killed, get the numbers from 1 without gaps`, async () => {
	const product = await newProduct(shop, PAYMENTS, 15_000);
	const body = { items: [{ product_id: product.id, quantity: 1 }] };
	const placed = await Promise.all(
		Array.from({ length: PAYMENTS }, (_, place) =>
			client.persist("POST", "/orders", { as: buyer(place), key: newKey(), body }),
		),
	);
	orders.push(...placed.map(({ body: { id } }) => id as string));
	await whileKilling(async (place) => {
		const path = `/orders/${orders[place]}`;
		const paid = await client.persist("POST", `${path}/pay`, { as: buyer(place), key: newKey(), body: {} });
		expect(paid.status).toBe(200);
		// Every tenth buyer reads the invoice at once, beside the sweeps of both processes.
		if (place % 10 === 0) {
			const read = () => send(address, "HEAD", `/api/v1${path}/invoice`, { as: buyer(place) });
			await eventually("an invoice", async () => (await read()).status === 200);
		}
	});
	await expectNumbers("invoices", "invoice_queue", "INV-");
	const { rowCount } = await pool.query(
		`SELECT FROM invoices i JOIN orders o ON o.id = i.order_id AND o.status = 'paid'
		JOIN order_history h ON h.order_id = o.id AND h.status = 'paid' AND h.at = i.issued_at`,
	);
	expect(rowCount).toBe(PAYMENTS);
});

test("so do credit notes of refunds", async () => {
	await whileKilling(async (place) => {
		const refund = { as: keeper, key: newKey(), body: { amount: 1 + place } };
		const { status } = await client.persist("POST", `/orders/${orders[place]}/refunds`, refund);
		expect(status).toBe(201);
	});
	await expectNumbers("credit_notes", "credit_note_queue", "CN-INV-");
	const { rowCount } = await pool.query(
		"SELECT FROM credit_notes n JOIN refunds r ON r.id = n.refund_id AND r.created_at = n.issued_at",
	);
	expect(rowCount).toBe(PAYMENTS);
});
