import type { DocumentAdapter } from "../../database/document-store.ts";
import { NEWEST } from "../../events/consistency.ts";
import type { ProductDocument, Sale } from "./documents.ts";
import { addMoved, findCounted, type HoldStore, unmoved } from "./hold-pages.ts";
import type { Line } from "./lines.ts";
import { type Attempt, holdOf } from "./reserving.ts";
import { settle } from "./settling.ts";

/** Returns the last sold reservations, at most one of each product and of each of its pages. */
export async function newestSales({ products, pages }: HoldStore): Promise<string[]> {
	const newest = {
		// With `$exists`, the server for development reads all products.
		query: { "last_sold.at": { $gt: "" } },
		...{ sort: ["-last_sold.at"], limit: NEWEST, fields: ["last_sold"] as const },
	};
	// Pages are read first, since a sale passes from an emptied page to its product and never back.
	const found = [...(await pages.find(newest)), ...(await products.find(newest))];
	return found
		.map(({ last_sold }) => last_sold as Sale)
		.sort((one, other) => (one.at > other.at ? -1 : 1))
		.slice(0, NEWEST)
		.map(({ reservation_id }) => reservation_id);
}

/** Returns the reservations that lack the hold of one of their products. */
export async function findUnheld(
	store: HoldStore,
	reservations: { reservation_id: string; product_ids: string[] }[],
): Promise<string[]> {
	const query = { "holds.reservation_id": { $in: reservations.map(({ reservation_id }) => reservation_id) } };
	const held = new Set<string>();
	const record = (product_id: string, { holds }: Pick<ProductDocument, "holds">) => {
		for (const { reservation_id } of holds) {
			held.add(`${product_id} ${reservation_id}`);
		}
	};
	for (const product of await store.products.find({ query, fields: ["holds"] })) {
		record(product._id, product);
	}
	// Read after the products, since a hold may move to a page and never back.
	for (const page of await findCounted(store, query)) {
		record(page.product_id, page);
	}
	return reservations
		.filter(({ reservation_id, product_ids }) =>
			product_ids.some((product_id) => !held.has(`${product_id} ${reservation_id}`)),
		)
		.map(({ reservation_id }) => reservation_id);
}

/** A line of an order whose hold is lost. */
interface LostLine extends Line {
	/** True if its units were sold by an event that orders has lost: then none are taken from the stock. */
	is_sold: boolean;
}

/**
 * Holds units again for a pending order whose hold is lost, all lines or none. Existing holds remain.
 *
 * @returns True if all lines are held.
 */
export async function holdAgain(
	store: HoldStore,
	attempt: Pick<Attempt, "reservation_id" | "expires_at">,
	lines: LostLine[],
): Promise<boolean> {
	for (const line of lines) {
		if (!(await holdLine(store, attempt, line))) {
			await settle(store, new Map([[attempt.reservation_id, "release"]]));
			return false;
		}
	}
	return true;
}

/** Returns true if the line is held. */
async function holdLine(
	store: HoldStore,
	attempt: Pick<Attempt, "reservation_id" | "expires_at">,
	{ product_id: _id, quantity, is_sold }: LostLine,
): Promise<boolean> {
	const { reservation_id } = attempt;
	const withoutHold = { $nor: [{ "holds.reservation_id": reservation_id }] };
	let before: Pick<ProductDocument, "moves"> | undefined;
	for (;;) {
		const [product] = await store.products.find({
			query: { _id },
			fields: ["holds", "hold_pages", "moves"],
		});
		if (!product) {
			return false;
		}
		await addMoved(store, [product], { reservation_ids: [reservation_id], request_ids: [] });
		if (product.holds.some((hold) => hold.reservation_id === reservation_id)) {
			return true;
		}
		if (before && before.moves === product.moves) {
			return false;
		}
		const changed = await store.products.updateMany(
			{ _id, ...withoutHold, ...unmoved(product), ...(is_sold ? {} : { stock: { $gte: quantity } }) },
			{ ...(is_sold ? {} : { $inc: { stock: -quantity } }), $push: { holds: holdOf(attempt, quantity) } },
		);
		if (changed > 0) {
			return true;
		}
		before = product;
	}
}

/**
 * Takes units that orders has sold out of a stock, if the stock is unchanged since it was found. Returns true if it
 * was.
 */
export async function takeSold(
	store: DocumentAdapter<ProductDocument>,
	found: { product_id: string; stock: number; supplied: number; quantity: number },
): Promise<boolean> {
	const { product_id: _id, stock, supplied, quantity } = found;
	return (await store.updateMany({ _id, stock, supplied }, { $inc: { stock: -quantity } })) > 0;
}
