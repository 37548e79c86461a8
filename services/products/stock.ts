import { problem } from "../../contracts/problems.ts";
import { STOCK_MAX } from "../../contracts/products.ts";
import { NEWEST } from "../../mixins/compared.ts";
import type { DocumentAdapter } from "../../mixins/documents.ts";
import { supply } from "./ledger.ts";
import { ON_SALE, type ProductDocument } from "./model.ts";

/** What one attempt to order wants of one product. */
export interface Line {
	product_id: string;
	quantity: number;
}

type Store = DocumentAdapter<ProductDocument>;

/** One attempt to order. */
export interface Attempt {
	reservation_id: string;
	/** The same for all attempts that have one Idempotency-Key: only one of them holds units. */
	request_id?: string | undefined;
	/** ISO 8601 */
	expires_at: string;
}

/** What is held for an order. */
export interface Reserved {
	/** That of an earlier attempt of the same request, where that one holds everything already. */
	reservation_id: string;
	lines: (Line & { document: ProductDocument })[];
}

/** How often units are tried for that others take at the same moment. */
const TRIES = 5;

/**
 * Holds units for an attempt to order, all lines or none. Every step is one guarded update of one document: the units
 * leave the stock only if they are there and no attempt of the same request holds them, in the same moment in which the
 * hold is noted.
 *
 * @throws PRODUCT_NOT_FOUND or OUT_OF_STOCK, naming every line at fault; RESERVATION_UNDER_WAY where another attempt of
 * the request holds some of the lines and not all. Then this attempt holds nothing.
 */
export async function reserve(store: Store, attempt: Attempt, lines: Line[]): Promise<Reserved> {
	const wanted = sumByProduct(lines);
	for (let tried = 1; ; tried++) {
		const documents = await find(store, [...wanted.keys()]);
		const held = [...wanted].map(([product_id, quantity]) => ({
			...{ product_id, quantity },
			document: documents.get(product_id) as ProductDocument,
		}));
		const earlier = attemptOf(attempt.request_id, held);
		if (earlier) {
			return { reservation_id: earlier, lines: held };
		}
		refuseShortages(documents, wanted);
		const short = await holdAll(store, attempt, wanted);
		if (!short) {
			return { reservation_id: attempt.reservation_id, lines: held };
		}
		// Somebody else was faster with what was there a moment ago; it may also come back.
		if (tried === TRIES) {
			const message = "others are buying this at the same moment: try again";
			throw problem("OUT_OF_STOCK", { errors: [{ path: "items", message, ...short, available: 0 }] });
		}
	}
}

/** The earlier attempt of this request that holds all lines. */
function attemptOf(request_id: string | undefined, held: Reserved["lines"]): string | undefined {
	const holds = held.map(
		({ document }) =>
			request_id !== undefined && document.holds.find((hold) => hold.request_id === request_id),
	);
	const [first] = holds.filter((hold) => hold !== false && hold !== undefined);
	if (!first) {
		return undefined;
	}
	const { reservation_id } = first;
	if (!holds.every((hold) => hold && hold.reservation_id === reservation_id)) {
		throw problem("RESERVATION_UNDER_WAY", { reservation_id });
	}
	return reservation_id;
}

/** Holds every line; where one is short, releases the others and answers that one. */
async function holdAll(
	store: Store,
	{ reservation_id, request_id, expires_at }: Attempt,
	wanted: Map<string, number>,
): Promise<{ product_id: string; requested: number } | undefined> {
	const own = { reservation_id, ...(request_id ? { request_id } : {}), expires_at };
	for (const [place, [product_id, quantity]] of [...wanted].entries()) {
		// Where its answer is lost the hold may be there: the caller abandons the reservation before it is released.
		const changed = await store.updateMany(
			{
				...{ _id: product_id, ...ON_SALE, stock: { $gte: quantity } },
				...(request_id ? { $nor: [{ "holds.request_id": request_id }] } : {}),
			},
			{ $inc: { stock: -quantity }, $push: { holds: { ...own, quantity } } },
		);
		if (changed === 0) {
			if (place > 0) {
				// Nobody takes over a part of the lines.
				await release(store, reservation_id, [...wanted.keys()]);
			}
			return { product_id, requested: quantity };
		}
	}
	return undefined;
}

/** The held units are sold: the holds go. A reservation without holds changes nothing. */
export function consume(store: Store, reservation_id: string): Promise<number> {
	return store.updateMany(
		{ "holds.reservation_id": reservation_id },
		{
			$pull: { holds: { reservation_id } },
			$set: { last_sold: { reservation_id, at: new Date().toISOString() } },
		},
	);
}

/** The reservations that were sold last, at most one of each product. */
export async function newestSales(store: Store): Promise<string[]> {
	const query = { last_sold: { $exists: true } };
	const found = await store.find({ query, sort: ["-last_sold.at"], limit: NEWEST });
	return found.flatMap(({ last_sold }) => last_sold?.reservation_id ?? []);
}

/**
 * The held units go back on sale. The guard is the presence of the hold: whoever takes it out puts the units back,
 * so a late duplicate does nothing.
 *
 * @returns The products that got units by this call.
 */
export async function release(
	store: Store,
	reservation_id: string,
	product_ids?: string[],
): Promise<string[]> {
	const query = {
		"holds.reservation_id": reservation_id,
		...(product_ids ? { _id: { $in: product_ids } } : {}),
	};
	const released: string[] = [];
	for (const { _id, holds } of await store.find({ query })) {
		const quantity = holds.find((hold) => hold.reservation_id === reservation_id)?.quantity ?? 0;
		const changed = await store.updateMany(
			{ _id, "holds.reservation_id": reservation_id },
			{ $inc: { stock: quantity }, $pull: { holds: { reservation_id } } },
		);
		released.push(...(changed > 0 ? [_id] : []));
	}
	return released;
}

/**
 * Units of a refunded order go back on sale. The guard is that the product's ledger has no entry of the order yet, so a
 * late duplicate does nothing.
 *
 * @returns The products that got units by this call.
 */
export async function restock(store: Store, order_id: string, lines: Line[]): Promise<string[]> {
	const restocked: string[] = [];
	// Processes of an earlier version look there, and have noted only there.
	const remembered = `restocks.${order_id}`;
	for (const [_id, quantity] of sumByProduct(lines)) {
		const at = new Date().toISOString();
		const isChanged = await supply(
			store,
			_id,
			order_id,
			{ reason: "restock", quantity, at },
			{ [remembered]: { $exists: false } },
			{ [remembered]: at },
		);
		restocked.push(...(isChanged ? [_id] : []));
	}
	return restocked;
}

/** A request of a process that was frozen longer than this is refused: the product may have forgotten the first one. */
const RESTOCK_ASKED_MAX_MS = 60 * 60_000;

/** Throws where a restock was asked for so long ago that it may be a late duplicate of one that is forgotten. */
export function refuseStale(asked_at: string | undefined): void {
	if (asked_at !== undefined && Date.parse(asked_at) < Date.now() - RESTOCK_ASKED_MAX_MS) {
		throw new Error(
			`a restock that was asked for at ${asked_at} comes too late: it has to be asked for again`,
		);
	}
}

/** A change by hand: by some units, or to a value where the stock is the expected one. */
export type StockChange = { quantity: number } | { stock: number; expected: number };

/**
 * Changes the stock by hand, in one guarded update. A repetition of a change that was made finds its entry and changes
 * nothing.
 *
 * @param id Names the entry in the ledger: the same for each repetition of the same request.
 * @returns The stock after it.
 * @throws PRODUCT_NOT_FOUND, STOCK_WOULD_BE_NEGATIVE, STOCK_TOO_LARGE, STOCK_DIFFERS
 */
export async function changeStock(
	store: Store,
	_id: string,
	change: StockChange,
	id: string,
	by: string,
): Promise<number> {
	for (;;) {
		const document = await store.findOne({ _id });
		if (document?.ledger?.[id]) {
			return document.stock;
		}
		if (!document || document.removed_at !== null) {
			throw problem("PRODUCT_NOT_FOUND");
		}
		const { quantity, stock } = judgeChange(document, change);
		const at = new Date().toISOString();
		const isChanged = await supply(
			store,
			_id,
			id,
			{ reason: "admin", quantity, at, by },
			{ ...ON_SALE, stock },
			{ updated_at: at },
		);
		if (isChanged) {
			return (await store.findOne({ _id }))?.stock ?? 0;
		}
		// Its stock has changed meanwhile.
	}
}

/** How many units come in, and the stock that this is right for. What is held counts: it may come back. */
function judgeChange({ stock, holds }: ProductDocument, change: StockChange) {
	const quantity = "stock" in change ? change.stock - change.expected : change.quantity;
	if ("stock" in change && stock !== change.expected) {
		throw problem("STOCK_DIFFERS", { stock, expected: change.expected });
	}
	if (quantity < 0 && stock + quantity < 0) {
		throw problem("STOCK_WOULD_BE_NEGATIVE", { stock });
	}
	const held = holds.reduce((sum, hold) => sum + hold.quantity, 0);
	if (quantity > 0 && stock + held + quantity > STOCK_MAX) {
		throw problem("STOCK_TOO_LARGE", { max: STOCK_MAX });
	}
	if ("stock" in change) {
		return { quantity, stock: change.expected };
	}
	return { quantity, stock: quantity < 0 ? { $gte: -quantity } : { $lte: STOCK_MAX - held - quantity } };
}

/** Lines of the same product become one, in the order of their ids: of two attempts at the same products one gets all. */
function sumByProduct(lines: Line[]): Map<string, number> {
	const sums = new Map<string, number>();
	for (const { product_id, quantity } of lines) {
		sums.set(product_id, (sums.get(product_id) ?? 0) + quantity);
	}
	return new Map([...sums].sort(([a], [b]) => (a < b ? -1 : 1)));
}

async function find(store: Store, product_ids: string[]): Promise<Map<string, ProductDocument>> {
	const found = await store.find({ query: { _id: { $in: product_ids }, ...ON_SALE } });
	const documents = new Map(found.map((document) => [document._id, document]));
	const unknown = product_ids.filter((id) => !documents.has(id));
	if (unknown.length > 0) {
		throw problem("PRODUCT_NOT_FOUND", {
			errors: unknown.map((id) => ({ path: "items", message: `there is no product ${id}`, product_id: id })),
		});
	}
	return documents;
}

/** Throws OUT_OF_STOCK that names every line that is short. */
function refuseShortages(documents: Map<string, ProductDocument>, wanted: Map<string, number>): void {
	const errors = [...wanted]
		.map(([product_id, requested]) => ({
			product_id,
			requested,
			available: documents.get(product_id)?.stock ?? 0,
		}))
		.filter(({ requested, available }) => available < requested)
		.map((short) => ({
			path: "items",
			message: `only ${short.available} of ${short.requested} are left`,
			...short,
		}));
	if (errors.length > 0) {
		throw problem("OUT_OF_STOCK", { errors });
	}
}
