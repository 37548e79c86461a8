import type { Pool, PoolClient } from "pg";
import type { z } from "zod";
import { fromMinor } from "../../contracts/money.ts";
import type { order } from "../../contracts/orders.ts";
import { NEWEST } from "../../events/consistency.ts";
import type { PaymentMethod } from "./provider.ts";
import type { OrderStatus } from "./states.ts";

/** An order with its lines, as JSON from the database. Amounts are in minor units. */
export interface OrderRow {
	id: string;
	number: string;
	user_id: number;
	status: OrderStatus;
	total_minor: number;
	currency: string;
	shipping_address: string | null;
	note: string | null;
	expires_at: string;
	/** True if its units went back on sale when it was refunded. */
	restocked: boolean;
	created_at: string;
	updated_at: string;
	lines: { product_id: string; name: string; price_minor: number; quantity: number }[];
}

/** The user whose orders are accessible, or all users. */
export type Owner = number | "anybody";

/** SQL expression: order `o` with its lines. */
export const WITH_LINES = `
	to_jsonb(o) || jsonb_build_object('lines', (
		SELECT jsonb_agg(to_jsonb(l) - 'order_id' - 'line' ORDER BY l.line) FROM order_lines l WHERE l.order_id = o.id
	))`;

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
		items: row.lines.map((line) => ({
			product_id: line.product_id,
			name: line.name,
			price: fromMinor(line.price_minor),
			quantity: line.quantity,
			subtotal: fromMinor(line.price_minor * line.quantity),
		})),
		total: fromMinor(row.total_minor),
		currency: row.currency,
		shipping_address: row.shipping_address,
		note: row.note,
		expires_at: new Date(row.expires_at).toISOString(),
		created_at: new Date(row.created_at).toISOString(),
		updated_at: new Date(row.updated_at).toISOString(),
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
