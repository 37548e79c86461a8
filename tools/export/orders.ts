import type { z } from "zod";
import type { order } from "../../contracts/order-schemas.ts";
import type { Snapshot } from "../../database/audit.ts";
import { type OrderRow, present, WITH_LINES } from "../../services/orders/model.ts";
import { type Cell, csvLine, ndjsonLine } from "./csv.ts";
import type { ExportFormat, Part, Period } from "./period.ts";

const PAGE = 500;
const FIRST_ID = "00000000-0000-0000-0000-000000000000";

type Order = z.input<typeof order>;
type Item = Order["items"][number];

/** Columns of an order, repeated in the line of each of its items. */
const OF_ORDER: [name: string, cell: (order: Order) => Cell][] = [
	...(["number", "id", "user_id", "status", "created_at", "updated_at", "currency"] as const).map(asIs),
	...(["subtotal", "discount", "shipping", "tax", "tax_included", "total", "refunded"] as const).map(asIs),
	...(["voucher_code", "shipping_method", "carrier", "tracking_number"] as const).map(asIs),
	...(["recipient", "phone", "line1", "line2", "city", "province", "postal_code", "country"] as const).map(
		(name): [string, (order: Order) => Cell] => [name, ({ address }) => address?.[name] ?? null],
	),
	...(["shipping_address", "note"] as const).map(asIs),
];

/** Columns of an item. Those with the name of one of the order begin with `item_`. */
const OF_ITEM: [name: string, cell: (item: Item) => Cell][] = [
	["line", ({ line }) => line],
	["product_id", ({ product_id }) => product_id],
	["name", ({ name }) => name],
	["options", ({ options }) => options && JSON.stringify(options)],
	["price", ({ price }) => price],
	["quantity", ({ quantity }) => quantity],
	["item_subtotal", ({ subtotal }) => subtotal],
	["item_discount", ({ discount }) => discount],
	["item_tax", ({ tax }) => tax],
	["paid", ({ paid }) => paid],
];

/**
 * Yields the orders, oldest first: as the API presents them, or in CSV with a line for each item.
 *
 * @param read Runs statements in a transaction that only reads. Each page has one of its own, so that a slow reader of
 * the export keeps nothing open.
 */
export async function* exportOrders(
	read: (work: (query: Snapshot) => Promise<OrderRow[]>) => Promise<OrderRow[]>,
	format: ExportFormat,
	{ from = "-infinity", to = "infinity" }: Period,
): AsyncGenerator<Part> {
	if (format === "csv") {
		yield { text: csvLine([...OF_ORDER, ...OF_ITEM].map(([name]) => name)), count: 0 };
	}
	for (let after = [from, FIRST_ID]; ; ) {
		const rows = await read(async (query) => {
			const found = await query<{ order: OrderRow }>(
				`SELECT ${WITH_LINES} AS "order" FROM orders o
				WHERE o.created_at < $1::timestamptz AND (o.created_at, o.id) > ($2::timestamptz, $3::uuid)
				ORDER BY o.created_at, o.id LIMIT $4`,
				[to, ...after, PAGE],
			);
			return found.map(({ order }) => order);
		});
		const text = rows.map((row) => (format === "csv" ? csvLines(present(row)) : ndjsonLine(present(row))));
		yield { text: text.join(""), count: rows.length };
		const last = rows.at(-1);
		if (!last || rows.length < PAGE) {
			return;
		}
		after = [last.created_at, last.id];
	}
}

function asIs<Name extends keyof Order>(name: Name): [Name, (order: Order) => Cell] {
	return [name, (order) => (order[name] ?? null) as Cell];
}

function csvLines(order: Order): string {
	const cells = OF_ORDER.map(([, cell]) => cell(order));
	return order.items.map((item) => csvLine([...cells, ...OF_ITEM.map(([, cell]) => cell(item))])).join("");
}
