import { createHash } from "node:crypto";
import { products, STOCK_MAX } from "../contracts/products.ts";
import { settings } from "../mixins/settings.ts";
import type { OrderStatus } from "../services/orders/states.ts";
import { INITIAL, SOLD } from "../services/orders/states.ts";
import type { Finding, Look } from "./audit.ts";
import { judgeLedger, judgeRestocks, type Restocks, readRestocks, restockedOrders } from "./ledger.ts";
import type { Snapshot, Sources, Stock } from "./sources.ts";
import { acknowledgedUpTo } from "./stream.ts";

/** A hold whose time is over is the sweeper's for this long. */
const SWEEP_MS = 40_000;
const CLOCKS_DIFFER_MS = 5 * 60_000;

/** A line of an order that is pending, or that has a hold. */
interface HeldLine extends Record<string, unknown> {
	reservation_id: string;
	number: string;
	status: OrderStatus;
	product_id: string;
	quantity: number;
	is_settled_soon: boolean;
}

interface Orders {
	/** Units sold, by product, of orders that have no hold any more. */
	sold: Map<string, number>;
	/** By product and reservation. */
	lines: Map<string, HeldLine>;
	restocks: Restocks;
}

/**
 * Stock, ledger and holds of every product: `supplied = stock + held + sold`, each unit that was supplied has a reason, and
 * every hold is that of a pending order. Products are read twice, around the look at the orders: what changes in between is
 * left to the next look, the rest is exact. Of a product its digest is kept, beside the holds and restocks that orders is
 * asked about.
 */
export async function lookAtStock(sources: Sources): Promise<Look[]> {
	const acknowledged = await acknowledgedUpTo(await sources.nats.jetstreamManager(), products.name);
	const before = new Map<string, string>();
	const held = new Set<string>();
	const reservations: string[] = [];
	const restocked: string[] = [];
	for await (const product of sources.products()) {
		before.set(product._id, digest(product));
		restocked.push(...restockedOrders(product));
		for (const { reservation_id } of product.holds) {
			reservations.push(reservation_id);
			held.add(`${product._id} ${reservation_id}`);
		}
	}
	const orders = await sources.snapshot("orders", (query) =>
		readOrders(query, reservations, restocked, acknowledged),
	);

	const units = newLook("supplied = stock + held + sold");
	const ledgers = newLook("each unit supplied has a reason");
	const restocks = newLook("a restock is that of a refunded order");
	const holds = newLook("a hold has a pending order");
	const missing = new Set([...orders.sold.keys()].filter((id) => !before.has(id)));
	for await (const product of sources.products()) {
		missing.delete(product._id);
		for (const { reservation_id } of product.holds) {
			held.add(`${product._id} ${reservation_id}`);
		}
		units.looked_at++;
		if (before.get(product._id) !== digest(product)) {
			units.under_way++;
			continue;
		}
		units.findings.push(...judgeStock(product, orders));
		ledgers.looked_at++;
		ledgers.findings.push(...judgeLedger(product));
		restocks.looked_at += restockedOrders(product).length;
		restocks.findings.push(...judgeRestocks(product, orders.restocks));
		for (const hold of product.holds) {
			const judgement = judgeHold(product, hold, orders);
			holds.looked_at++;
			holds.under_way += judgement === "under way" ? 1 : 0;
			holds.findings.push(...(typeof judgement === "object" ? [judgement] : []));
		}
	}
	for (const id of missing) {
		units.findings.push({ document: `product ${id}`, what: "is in orders, but there is no such product" });
	}
	const pending = newLook("a pending order has its holds");
	for (const [key, line] of orders.lines) {
		if (line.status === INITIAL) {
			pending.looked_at++;
			pending.findings.push(...(held.has(key) ? [] : [unheld(line)]));
		}
	}
	return [units, ledgers, restocks, holds, pending];
}

function newLook(check: string): Look {
	return { check, looked_at: 0, under_way: 0, findings: [] };
}

async function readOrders(
	query: Snapshot,
	held: string[],
	restocked: string[],
	acknowledged: number,
): Promise<Orders> {
	const sold = await query<{ product_id: string; quantity: number }>(
		`SELECT l.product_id, sum(l.quantity)::float8 AS quantity
		FROM orders o JOIN order_lines l ON l.order_id = o.id JOIN reservations r ON r.order_id = o.id
		WHERE o.status = ANY ($1) AND NOT EXISTS (SELECT FROM unnest($2::uuid[]) AS h (id) WHERE h.id = r.id)
		GROUP BY l.product_id`,
		[SOLD, held],
	);
	const lines = await query<HeldLine>(
		`SELECT r.id AS reservation_id, o.number, o.status, l.product_id, sum(l.quantity)::integer AS quantity,
			EXISTS (SELECT FROM graphile_worker.jobs j WHERE j.key = 'stock:' || r.id) OR EXISTS (
				SELECT FROM outbox e WHERE e.aggregate = 'order:' || o.id
					AND (e.stream_sequence > $3 OR e.published_at IS NULL AND e.refusal IS NULL)
			) AS is_settled_soon
		FROM orders o JOIN order_lines l ON l.order_id = o.id JOIN reservations r ON r.order_id = o.id
		WHERE o.status = $1 OR r.id = ANY ($2)
		GROUP BY r.id, o.id, l.product_id`,
		[INITIAL, held, acknowledged],
	);
	return {
		sold: new Map(sold.map(({ product_id, quantity }) => [product_id, quantity])),
		lines: new Map(lines.map((line) => [`${line.product_id} ${line.reservation_id}`, line])),
		restocks: await readRestocks(query, restocked),
	};
}

/** Whatever is judged here, in a few bytes. */
function digest({ stock, supplied, holds, ledger, ledger_sums, restocks }: Stock): string {
	const told = JSON.stringify([stock, supplied, holds, ledger, ledger_sums, restocks]);
	return createHash("sha256").update(told).digest("base64url").slice(0, 22);
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
	if (stock > STOCK_MAX) {
		findings.push({ document, what: `has a stock of ${stock}, above the limit of ${STOCK_MAX}` });
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
		const left_ms = Date.parse(expires_at) - Date.now();
		if (left_ms < -SWEEP_MS) {
			return finding(`is that of no order and should have ended at ${expires_at}`);
		}
		// Also where it is no time at all.
		const isPossible = left_ms <= settings.orderTtlMinutes * 60_000 + CLOCKS_DIFFER_MS;
		return isPossible
			? "under way"
			: finding(`is that of no order and ends at ${expires_at}, which ORDER_TTL_MINUTES does not allow`);
	}
	if (line.quantity !== quantity) {
		return finding(`is of ${quantity} units, order ${line.number} has ${line.quantity}`);
	}
	if (line.status === INITIAL) {
		return "right";
	}
	return line.is_settled_soon && Date.parse(expires_at) > Date.now() - SWEEP_MS
		? "under way"
		: finding(`has outlived order ${line.number}, which is ${line.status}`);
}

function unheld({ number, quantity, product_id }: HeldLine): Finding {
	return {
		document: `order ${number}`,
		what: `is pending, but ${quantity} units of product ${product_id} are not held for it`,
	};
}
