import type { Snapshot } from "../../database/audit.ts";
import { accounted } from "../../services/products/ledger.ts";
import type { Finding } from "./finding.ts";
import { UUID } from "./product-form.ts";
import type { Stock } from "./snapshot.ts";

/** A restock has its own entry in the ledger for one day after the refund; one hour is allowed for clock skew. */
const RECENT_HOURS = 23;

/** Units of one product in a refunded order, or in a refund of a part of it. */
interface Refunded extends Record<string, unknown> {
	/** Id of the order or of the refund, under which its units were put back. */
	restock_id: string;
	number: string;
	restocked: boolean;
	product_id: string;
	quantity: number;
}

/** Units put back on sale after refunds, according to the orders database. */
export interface Restocks {
	/** Refunded units of the orders and refunds that ledgers refer to, by their id and product. */
	named: Map<string, Refunded>;
	/** Restocks of the last day that products has confirmed, by product. */
	recent: Map<string, Refunded[]>;
	/** Units of all refunds that restock, and of those that products has confirmed, by product. */
	units: Map<string, { asked: number; confirmed: number }>;
}

/** Returns the ids of the orders and refunds that the restock entries of a product's ledger refer to. */
export function restockedOrders({ ledger = {} }: Stock): string[] {
	return Object.entries(ledger)
		.filter(([, { reason }]) => reason === "restock")
		.map(([id]) => id);
}

/**
 * Reads the restocks from the orders database.
 *
 * @param ids Ids of the orders and refunds that ledgers refer to.
 */
export async function readRestocks(query: Snapshot, ids: string[]): Promise<Restocks> {
	const named = await query<Refunded>(
		`${ofOrders("o.id = ANY ($1::uuid[])")} UNION ALL ${ofRefunds("r.id = ANY ($1::uuid[])")}`,
		[ids.filter((id) => UUID.test(id))],
	);
	const recent = await query<Refunded>(
		`${ofOrders(`o.restocked AND o.restock_done AND EXISTS (
			SELECT FROM order_history h
			WHERE h.order_id = o.id AND h.status = 'refunded' AND h.at > now() - make_interval(hours => $1)
		)`)}
		UNION ALL
		${ofRefunds("r.restock AND r.restock_done AND r.created_at > now() - make_interval(hours => $1)")}`,
		[RECENT_HOURS],
	);
	const units = await query<{ product_id: string; asked: number; confirmed: number }>(
		`SELECT product_id, sum(quantity) AS asked, coalesce(sum(quantity) FILTER (WHERE is_done), 0) AS confirmed
		FROM (${ofOrders("o.restocked")} UNION ALL ${ofRefunds("r.restock")}) AS restocked GROUP BY product_id`,
	);
	const byProduct = new Map<string, Refunded[]>();
	for (const refunded of recent) {
		byProduct.set(refunded.product_id, [...(byProduct.get(refunded.product_id) ?? []), refunded]);
	}
	return {
		named: new Map(named.map((line) => [`${line.restock_id} ${line.product_id}`, line])),
		recent: byProduct,
		units: new Map(units.map(({ product_id, ...sums }) => [product_id, sums])),
	};
}

/** SQL: the units of orders `o` that were refunded as a whole. */
function ofOrders(where: string): string {
	return `SELECT o.id AS restock_id, o.number, o.restocked, o.restock_done AS is_done, l.product_id, sum(l.quantity)::float8 AS quantity
		FROM orders o JOIN order_lines l ON l.order_id = o.id WHERE ${where}
		GROUP BY o.id, o.number, o.restocked, l.product_id`;
}

/** SQL: the units of refunds `r` of parts. */
function ofRefunds(where: string): string {
	return `SELECT r.id AS restock_id, o.number, r.restock AS restocked, r.restock_done AS is_done, l.product_id,
			sum(part.quantity)::float8 AS quantity
		FROM refunds r JOIN orders o ON o.id = r.order_id JOIN refund_lines part ON part.refund_id = r.id
		JOIN order_lines l ON l.order_id = r.order_id AND l.line = part.line
		WHERE NOT r.is_whole AND ${where} GROUP BY r.id, o.number, l.product_id`;
}

/** Checks that the ledger accounts for each unit supplied. */
export function checkLedger(product: Stock): Finding[] {
	const total = accounted(product);
	if (product.ledger_sums === undefined || total === product.supplied) {
		return [];
	}
	return [
		{
			document: `ledger of product ${product._id} (${product.name})`,
			what: `accounts for ${total} units, but ${product.supplied} were supplied`,
			product_id: product._id,
		},
	];
}

/**
 * Checks that the restocked units are exactly those of orders that were refunded with a restock.
 *
 * @param product The product as read before the orders.
 * @param later The product as read after the orders; it includes all restocks that orders has recorded.
 */
export function checkRestocks(
	product: Stock,
	{ named, recent, units }: Restocks,
	later: Stock = product,
): Finding[] {
	const { _id, name, ledger = {} } = product;
	const findings: Finding[] = [];
	for (const restock_id of restockedOrders(product)) {
		const order = named.get(`${restock_id} ${_id}`);
		const quantity = ledger[restock_id]?.quantity;
		const document = `restock ${restock_id} of product ${_id}`;
		if (!order) {
			findings.push({ document, what: "belongs to no order with this product" });
		} else if (!order.restocked) {
			findings.push({ document, what: `belongs to order ${order.number}, which was not restocked` });
		} else if (order.quantity !== quantity) {
			findings.push({
				document,
				what: `has ${quantity} units, but order ${order.number} has ${order.quantity}`,
			});
		}
	}
	for (const { restock_id, number, quantity } of recent.get(_id) ?? []) {
		if (!later.ledger?.[restock_id] && !later.restocks?.[restock_id]) {
			findings.push({
				document: `order ${number}`,
				what: `was refunded, but product ${_id} has no restock of its ${quantity} units`,
			});
		}
	}
	const { asked, confirmed } = units.get(_id) ?? { asked: 0, confirmed: 0 };
	// The first sum of the ledger includes units restocked before the ledger existed.
	const isComplete = later.ledger_sums !== undefined && later.ledger_sums.earlier === undefined;
	const [most, least] = [unitsBack(product), unitsBack(later)];
	if (most > asked || (isComplete && least < confirmed)) {
		const [actual, expected] = most > asked ? [most, asked] : [least, confirmed];
		findings.push({
			document: `product ${_id} (${name})`,
			what: `got back ${actual} units from refunded orders, which have ${expected}`,
		});
	}
	return findings;
}

function unitsBack(product: Stock): number {
	const { ledger = {}, ledger_sums = {} } = product;
	return restockedOrders(product).reduce(
		(sum, order_id) => sum + (ledger[order_id]?.quantity ?? 0),
		ledger_sums.restock ?? 0,
	);
}
