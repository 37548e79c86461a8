import type { Pool, PoolClient } from "pg";
import type { z } from "zod";
import type { Owner } from "../../broker/caller.ts";
import { fromMinor } from "../../contracts/money.ts";
import type { order } from "../../contracts/order-schemas.ts";
import { NEWEST } from "../../events/consistency.ts";
import type { PaymentMethod } from "./provider.ts";
import type { OrderStatus } from "./states.ts";

/**
 * An order with its lines, as JSON from the database. Amounts are in minor units. A response that the version before has
 * stored lacks the optional fields.
 */
export interface OrderRow {
	id: string;
	number: string;
	user_id: number;
	status: OrderStatus;
	total_minor: number;
	/** Null for an order without discount, fee and tax: then it is the total. */
	subtotal_minor?: number | null;
	discount_minor?: number;
	/** Fee of shipping before its discount. */
	shipping_minor?: number;
	shipping_discount_minor?: number;
	shipping_tax_minor?: number;
	shipping_paid_minor?: number;
	tax_minor?: number;
	/** Rate of the tax in hundredths of a percent. */
	tax_basis_points?: number;
	tax_included?: boolean;
	refunded_minor?: number;
	/** True if the fee of shipping was given back. */
	shipping_refunded?: boolean;
	/** By whom it is carried, and under which number; null if unknown or not shipped. */
	carrier?: string | null;
	tracking_number?: string | null;
	currency: string;
	voucher_code?: string | null;
	shipping_method?: string | null;
	address?: OrderAddress | null;
	shipping_address: string | null;
	note: string | null;
	expires_at: string;
	/** True if all its units went back on sale when it was refunded. */
	restocked: boolean;
	created_at: string;
	updated_at: string;
	lines: OrderLine[];
}

/** The address of an order, as it was when the order was placed. */
export type OrderAddress = NonNullable<z.output<typeof order>["address"]>;

/** A line of an order. */
export interface OrderLine {
	product_id: string;
	name: string;
	price_minor: number;
	quantity: number;
	/** Options of a variant by name. */
	options?: Record<string, string> | null;
	category?: string | null;
	/** Weight of one unit. */
	weight_g?: number | null;
	requires_shipping?: boolean | null;
	discount_minor?: number;
	tax_minor?: number;
	/** Null for a line without discount and tax: then it is price × quantity. */
	paid_minor?: number | null;
	/** Number of units that were given back. */
	refunded_quantity?: number;
}

/** SQL expression: order `o` with its lines. */
export const WITH_LINES = `
	to_jsonb(o) || jsonb_build_object('lines', (
		SELECT jsonb_agg(to_jsonb(l) - 'order_id' - 'line' ORDER BY l.line) FROM order_lines l WHERE l.order_id = o.id
	))`;

/** Returns the number of orders that hold their units and are not paid yet. */
export async function countUnpaid(pool: Pick<Pool, "query">): Promise<number> {
	const { rows } = await pool.query<{ count: number }>(
		"SELECT count(*)::integer FROM orders WHERE status = 'pending'",
	);
	return rows[0]?.count ?? 0;
}

/** Returns an order by its id or number; undefined if there is none that this owner may see. */
export async function findOrder(
	pool: Pool | PoolClient,
	id: { id: string } | { number: string },
	owner: Owner,
): Promise<OrderRow | undefined> {
	const [column, value] = "id" in id ? ["id", id.id] : ["number", id.number];
	if (column === "id" && !isUuid(value)) {
		return undefined;
	}
	const { rows } = await pool.query<{ order: OrderRow }>(
		`SELECT ${WITH_LINES} AS "order" FROM orders o WHERE o.${column} = $1 AND ($2::integer IS NULL OR o.user_id = $2)`,
		[value, owner === "anybody" ? null : owner],
	);
	return rows[0]?.order;
}

/**
 * Returns orders, newest first; `after` is the time and id of the last order of the previous page. A page without it
 * uses another statement, because a generic plan for both would read all orders before the page.
 */
export async function listOrders(
	pool: Pool,
	owner: Owner,
	{ skip, limit, after }: { skip: number; limit: number; after?: [string, string] | undefined },
): Promise<OrderRow[]> {
	const { rows } = await pool.query<{ order: OrderRow }>(
		`SELECT ${WITH_LINES} AS "order" FROM orders o WHERE ${owner === "anybody" ? "$3::integer IS NULL" : "o.user_id = $3"}
			${after ? "AND (o.created_at, o.id) < ($4::timestamptz, $5::uuid)" : ""}
		ORDER BY o.created_at DESC, o.id DESC LIMIT $1 OFFSET $2`,
		[limit, skip, owner === "anybody" ? null : owner, ...(after ?? [])],
	);
	return rows.map((row) => row.order);
}

/** Returns the users with orders that have the highest ids. */
export async function newestUsers(pool: Pool): Promise<number[]> {
	const { rows } = await pool.query<{ user_id: number }>(
		"SELECT DISTINCT user_id FROM orders ORDER BY user_id DESC LIMIT $1",
		[NEWEST],
	);
	return rows.map(({ user_id }) => user_id);
}

/** Converts a row to an order of the contract. */
export function present(row: OrderRow): z.input<typeof order> {
	return {
		id: row.id,
		number: row.number,
		user_id: row.user_id,
		status: row.status,
		items: row.lines.map(presentLine),
		subtotal: fromMinor(row.subtotal_minor ?? row.total_minor),
		discount: fromMinor(row.discount_minor ?? 0),
		shipping: fromMinor(row.shipping_minor ?? 0),
		tax: fromMinor(row.tax_minor ?? 0),
		tax_included: row.tax_included ?? true,
		total: fromMinor(row.total_minor),
		refunded: fromMinor(row.refunded_minor ?? 0),
		currency: row.currency,
		voucher_code: row.voucher_code ?? null,
		shipping_method: row.shipping_method ?? null,
		address: row.address ?? null,
		carrier: row.carrier ?? null,
		tracking_number: row.tracking_number ?? null,
		shipping_address: row.shipping_address,
		note: row.note,
		expires_at: new Date(row.expires_at).toISOString(),
		created_at: new Date(row.created_at).toISOString(),
		updated_at: new Date(row.updated_at).toISOString(),
	};
}

/** Converts a line to that of the contract. */
export function presentLine(line: OrderLine, place: number): z.input<typeof order>["items"][number] {
	const subtotal_minor = line.price_minor * line.quantity;
	return {
		line: place + 1,
		product_id: line.product_id,
		name: line.name,
		options: line.options ?? null,
		price: fromMinor(line.price_minor),
		quantity: line.quantity,
		subtotal: fromMinor(subtotal_minor),
		discount: fromMinor(line.discount_minor ?? 0),
		tax: fromMinor(line.tax_minor ?? 0),
		paid: fromMinor(line.paid_minor ?? subtotal_minor),
	};
}

/** Tells whether a text has the form of an order id. */
export function isUuid(text: string | undefined): boolean {
	return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text ?? "");
}

/** A row of `payments`. */
export interface Payment {
	reference: string;
	order_id: string;
	method: PaymentMethod;
	/** In minor units of the currency. */
	amount_minor: number;
	status: "open" | "settled" | "failed" | "refunding" | "refunded";
	due_at: string;
}
