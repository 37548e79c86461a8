import type { OrderStatus } from "../services/orders/states.ts";
import { INITIAL, SOLD } from "../services/orders/states.ts";
import type { Finding, Look } from "./audit.ts";
import type { Snapshot, Sources, Stock } from "./sources.ts";

/** A hold whose time is over is the sweeper's for this long. */
const SWEEP_MS = 40_000;

/** A line of an order that is pending, or that has a hold. */
interface HeldLine extends Record<string, unknown> {
	reservation_id: string;
	number: string;
	status: OrderStatus;
	product_id: string;
	quantity: number;
	has_job: boolean;
}

interface Orders {
	/** Units sold, by product, of orders that have no hold any more. */
	sold: Map<string, number>;
	/** By product and reservation. */
	lines: Map<string, HeldLine>;
	pending: HeldLine[];
}

/**
 * Stock and holds of every product: `supplied = stock + held + sold`, and every hold is that of a pending order. What
 * changes between the two reads around the look at the orders is left to the next look; the rest is exact.
 */
export async function lookAtStock(sources: Sources): Promise<Look[]> {
	const before = await sources.products();
	const held = [...before.values()].flatMap(({ holds }) => holds.map(({ reservation_id }) => reservation_id));
	const orders = await sources.snapshot("orders", (query) => readOrders(query, held));
	const after = await sources.products();

	const resting = [...before.values()].filter((product) => isSame(product, after.get(product._id)));
	const holds = resting.flatMap((product) => product.holds.map((hold) => ({ product, hold })));
	const seen = holds.map(({ product, hold }) => judgeHold(product, hold, orders));
	const known = new Set(before.keys());
	return [
		{
			check: "supplied = stock + held + sold",
			looked_at: before.size,
			under_way: before.size - resting.length,
			findings: [
				...resting.flatMap((product) => judgeStock(product, orders)),
				...[...orders.sold.keys()]
					.filter((id) => !known.has(id) && !after.has(id))
					.map((id) => ({ document: `product ${id}`, what: "is in orders, but there is no such product" })),
			],
		},
		{
			check: "a hold has a pending order",
			looked_at: holds.length,
			under_way: seen.filter((judgement) => judgement === "under way").length,
			findings: seen.filter((judgement) => typeof judgement === "object"),
		},
		{
			check: "a pending order has its holds",
			looked_at: orders.pending.length,
			under_way: 0,
			findings: orders.pending.flatMap((line) => judgePending(line, before, after)),
		},
	];
}

async function readOrders(query: Snapshot, held: string[]): Promise<Orders> {
	const sold = await query<{ product_id: string; quantity: number }>(
		`SELECT l.product_id, sum(l.quantity)::float8 AS quantity
		FROM orders o JOIN order_lines l ON l.order_id = o.id JOIN reservations r ON r.order_id = o.id
		WHERE o.status = ANY ($1) AND NOT EXISTS (SELECT FROM unnest($2::uuid[]) AS h (id) WHERE h.id = r.id)
		GROUP BY l.product_id`,
		[SOLD, held],
	);
	const lines = await query<HeldLine>(
		`SELECT r.id AS reservation_id, o.number, o.status, l.product_id, sum(l.quantity)::integer AS quantity,
			EXISTS (SELECT FROM graphile_worker.jobs j WHERE j.key = 'stock:' || r.id) AS has_job
		FROM orders o JOIN order_lines l ON l.order_id = o.id JOIN reservations r ON r.order_id = o.id
		WHERE o.status = $1 OR r.id = ANY ($2)
		GROUP BY r.id, o.number, o.status, l.product_id`,
		[INITIAL, held],
	);
	return {
		sold: new Map(sold.map(({ product_id, quantity }) => [product_id, quantity])),
		lines: new Map(lines.map((line) => [`${line.product_id} ${line.reservation_id}`, line])),
		pending: lines.filter(({ status }) => status === INITIAL),
	};
}

function isSame(one: Stock, other: Stock | undefined): boolean {
	const told = (stock: Stock | undefined) =>
		stock && JSON.stringify([stock.stock, stock.supplied, stock.holds.map((hold) => hold.reservation_id)]);
	return told(one) === told(other);
}

function judgeStock({ _id, name, stock, supplied, holds }: Stock, orders: Orders): Finding[] {
	const held = holds.reduce((sum, hold) => sum + hold.quantity, 0);
	// An order that is paid keeps its hold for a moment: then it is counted there.
	const sold = orders.sold.get(_id) ?? 0;
	const document = `product ${_id} (${name})`;
	const findings: Finding[] = [];
	if (supplied !== stock + held + sold) {
		findings.push({ document, what: `supplied ${supplied} ≠ stock ${stock} + held ${held} + sold ${sold}` });
	}
	if (!Number.isSafeInteger(stock) || stock < 0) {
		findings.push({ document, what: `has a stock of ${stock}` });
	}
	return findings;
}

type Judgement = Finding | "right" | "under way";

function judgeHold(product: Stock, hold: Stock["holds"][number], orders: Orders): Judgement {
	const { reservation_id, quantity, expires_at } = hold;
	const line = orders.lines.get(`${product._id} ${reservation_id}`);
	const finding = (what: string): Finding => ({
		document: `hold ${reservation_id} of product ${product._id}`,
		what,
		reservation_id,
	});
	if (product.holds.filter((other) => other.reservation_id === reservation_id).length > 1) {
		return finding("is there twice");
	}
	if (!line) {
		const isOver = Date.parse(expires_at) + SWEEP_MS < Date.now();
		return isOver ? finding(`is that of no order and should have ended at ${expires_at}`) : "under way";
	}
	if (line.quantity !== quantity) {
		return finding(`is of ${quantity} units, order ${line.number} has ${line.quantity}`);
	}
	if (line.status === INITIAL) {
		return "right";
	}
	return line.has_job ? "under way" : finding(`has outlived order ${line.number}, which is ${line.status}`);
}

function judgePending(line: HeldLine, before: Map<string, Stock>, after: Map<string, Stock>): Finding[] {
	const isHeld = (products: Map<string, Stock>) =>
		products.get(line.product_id)?.holds.some((hold) => hold.reservation_id === line.reservation_id) ?? false;
	if (isHeld(before) || isHeld(after)) {
		return [];
	}
	return [
		{
			document: `order ${line.number}`,
			what: `is pending, but ${line.quantity} units of product ${line.product_id} are not held for it`,
		},
	];
}
