import { callAction } from "../../contracts/actions.ts";
import { SOLD, TRANSITIONS } from "../../services/orders/states.ts";
import { argumentsOf } from "../../services/orders/transitions.ts";
import { EVENTS_UP_TO, GROUP, unknownEvent } from "../../services/products/stream-position.ts";
import { withServices } from "./hosted.ts";
import { inDatabase } from "./in-database.ts";
import { type ReadStock, readProduct } from "./product-form.ts";
import type { Sources } from "./snapshot.ts";
import { acknowledgedUpTo, messages } from "./stream.ts";

const PRODUCTS_AT_ONCE = 500;

/** A pending order with lines that products holds no units for. */
interface Unheld {
	order_id: string;
	number: string;
	reservation_id: string;
	expires_at: Date;
	lines: { product_id: string; quantity: number }[];
}

/** A product with more units in stock, held and sold than were supplied. */
interface Surplus {
	product_id: string;
	stock: number;
	supplied: number;
	surplus: number;
}

/**
 * Reconciles products and orders after one of them was restored from an older backup. Removes units that orders has
 * sold from the stock. Holds the units of pending orders again, or cancels the order where too few units are left.
 *
 * @returns Whether data was lost.
 */
export async function acceptProducts(
	sources: Sources,
	isRunning: boolean,
	log: (line: string) => void,
): Promise<boolean> {
	const manager = await sources.nats.jetstreamManager();
	const acknowledged = await acknowledgedUpTo(manager, GROUP);
	const consumed = Number((await sources.productMetadata())[EVENTS_UP_TO] ?? acknowledged);
	const isOlder = (await unknownEvent(manager, consumed, acknowledged)) !== undefined;
	const { unheld, surpluses } = await compare(sources);
	if (!isOlder && unheld.length === 0 && surpluses.length === 0) {
		return false;
	}
	const sold = await soldInLost(sources, unheld, consumed);
	await withServices(["products"], isRunning, async (broker) => {
		for (const { product_id, stock, supplied, surplus } of surpluses) {
			const quantity = Math.min(stock, surplus);
			const found = { product_id, stock, supplied, quantity };
			const isTaken = quantity > 0 && (await callAction(broker, "v1.products.takeSold", found)).is_taken;
			const taken = isTaken ? quantity : 0;
			log(
				`products: product ${product_id}: ${taken} sold units removed from the stock${taken < surplus ? `, ${surplus - taken} are missing` : ""}`,
			);
		}
		for (const { order_id, number, reservation_id, expires_at, lines } of unheld) {
			const is_sold = sold.has(order_id);
			const { is_held } = await callAction(broker, "v1.products.holdAgain", {
				...{ reservation_id, expires_at: expires_at.toISOString() },
				lines: lines.map((line) => ({ ...line, is_sold })),
			});
			if (is_sold) {
				log(`orders: order ${number} was paid in the lost data: look for its payment at the provider`);
			}
			if (!is_held) {
				await cancel(order_id);
			}
			log(
				`products: order ${number} ${is_held ? "holds its units again" : "is cancelled: its units are sold"}`,
			);
		}
		await callAction(broker, "v1.products.acceptEvents", { up_to: acknowledged });
	});
	return true;
}

/** Compares both stores in SQL: copies the products into temporary tables of the orders database. */
async function compare(sources: Sources): Promise<{ unheld: Unheld[]; surpluses: Surplus[] }> {
	return inDatabase("orders", async (client) => {
		await client.query(`
			CREATE TEMPORARY TABLE units (product_id text, stock integer, supplied integer, uncollected integer)
				ON COMMIT DROP;
			CREATE TEMPORARY TABLE held (product_id text, reservation_id uuid, quantity integer) ON COMMIT DROP`);
		const add = async (page: ReadStock[]) => {
			const units = page.map(({ _id, stock, supplied, uncollected }) => ({
				...{ product_id: _id, stock, supplied, uncollected },
			}));
			const held = page.flatMap(({ _id, holds }) => holds.map((hold) => ({ product_id: _id, ...hold })));
			for (const [table, rows] of Object.entries({ units, held })) {
				await client.query(
					`INSERT INTO ${table} SELECT * FROM jsonb_populate_recordset(NULL::${table}, $1::jsonb)`,
					[JSON.stringify(rows)],
				);
			}
		};
		let page: ReadStock[] = [];
		for await (const product of sources.products()) {
			page.push(readProduct(product).product);
			if (page.length === PRODUCTS_AT_ONCE) {
				await add(page);
				page = [];
			}
		}
		await add(page);
		const { rows: unheld } = await client.query<Unheld>(UNHELD);
		const { rows: surpluses } = await client.query<Surplus>(SURPLUSES, [SOLD]);
		return { unheld, surpluses };
	});
}

const UNHELD = `
	SELECT o.id AS order_id, o.number, r.id AS reservation_id, o.expires_at,
		jsonb_agg(jsonb_build_object('product_id', l.product_id, 'quantity', l.quantity)) AS lines
	FROM orders o JOIN reservations r ON r.order_id = o.id
	JOIN (
		SELECT order_id, product_id, sum(quantity) AS quantity FROM order_lines GROUP BY order_id, product_id
	) AS l ON l.order_id = o.id
	WHERE o.status = 'pending'
	GROUP BY o.id, r.id
	HAVING bool_or(NOT EXISTS (
		SELECT FROM held h WHERE h.reservation_id = r.id AND h.product_id = l.product_id
	))
	ORDER BY o.created_at`;

const SURPLUSES = `
	SELECT product_id, stock, supplied, surplus FROM (
		SELECT u.*, (u.stock - u.supplied + u.uncollected + coalesce((
			SELECT sum(h.quantity) FROM held h WHERE h.product_id = u.product_id AND NOT EXISTS (
				SELECT FROM reservations r JOIN orders o ON o.id = r.order_id WHERE r.id = h.reservation_id AND o.status = ANY ($1)
			)
		), 0) + coalesce(sold.quantity, 0))::integer AS surplus
		FROM units u LEFT JOIN (
			SELECT l.product_id, sum(l.quantity) AS quantity FROM orders o JOIN order_lines l ON l.order_id = o.id
			WHERE o.status = ANY ($1) GROUP BY l.product_id
		) AS sold USING (product_id)
	) AS products WHERE surplus > 0`;

/**
 * Returns those of the orders whose payment was lost with the restore, and whose units products has already taken out
 * of stock.
 */
async function soldInLost(sources: Sources, unheld: Unheld[], consumed: number): Promise<Set<string>> {
	const ids = new Set(unheld.map(({ order_id }) => order_id));
	const sold = new Set<string>();
	if (ids.size === 0) {
		return sold;
	}
	for await (const page of messages(sources, await sources.nats.jetstreamManager())) {
		for (const { position, name, data } of page) {
			const order_id = data.order_id ?? "";
			if (name === TRANSITIONS.pay.event && position <= consumed && ids.has(order_id)) {
				sold.add(order_id);
			}
		}
	}
	return sold;
}

/** Cancels a pending order on behalf of the shop and publishes the event. */
async function cancel(order_id: string): Promise<void> {
	const { from, to, event, stock_task } = argumentsOf("cancel");
	await inDatabase("orders", (client) =>
		client.query("SELECT move_order($1, NULL, $2, $3, 'shop', $4, $5)", [
			order_id,
			from,
			to,
			JSON.stringify(event),
			stock_task,
		]),
	);
}
