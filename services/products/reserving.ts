import { problem } from "../../contracts/problems.ts";
import { STOCK_MAX } from "../../contracts/products.ts";
import { NEWEST } from "../../mixins/compared.ts";
import type { DocumentAdapter } from "../../mixins/documents.ts";
import { supply } from "./ledger.ts";
import { type Hold, ON_SALE, type ProductDocument } from "./model.ts";

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
	/** When the holds expire, ISO 8601. */
	expires_at: string;
	lines: (Line & { document: ProductDocument })[];
}

/** How often units are tried for that others take at the same moment. */
const TRIES = 5;

/**
 * Holds units for an attempt to order, all lines or none. Every step is one guarded update of one document: the units
 * leave the stock only if they are there and neither this attempt nor another one of the same request holds them, in the
 * same moment in which the hold is noted. So an attempt that arrives twice holds once.
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
		const earlier = attemptOf(attempt, held);
		if (earlier) {
			const { reservation_id, expires_at } = earlier;
			return { reservation_id, expires_at, lines: held };
		}
		refuseShortages(documents, wanted);
		const short = await holdAll(store, attempt, wanted);
		if (!short) {
			const { reservation_id, expires_at } = attempt;
			return { reservation_id, expires_at, lines: held };
		}
		// Somebody else was faster with what was there a moment ago; it may also come back.
		if (tried === TRIES) {
			const message = "others are buying this at the same moment: try again";
			throw problem("OUT_OF_STOCK", { errors: [{ path: "items", message, ...short, available: 0 }] });
		}
	}
}

/** A hold of the attempt that holds all lines: this one, which arrived before, or an earlier one of its request. */
function attemptOf(attempt: Attempt, held: Reserved["lines"]): Hold | undefined {
	const holds = held.map(({ document }) => document.holds.find((hold) => isOf(attempt, hold)));
	const first = holds.find((hold) => hold !== undefined);
	if (!first) {
		return undefined;
	}
	const { reservation_id } = first;
	if (!holds.every((hold) => hold?.reservation_id === reservation_id)) {
		throw problem("RESERVATION_UNDER_WAY", { reservation_id });
	}
	return first;
}

function isOf({ reservation_id, request_id }: Attempt, hold: Hold): boolean {
	return (
		hold.reservation_id === reservation_id || (request_id !== undefined && hold.request_id === request_id)
	);
}

/** Products on which none of these attempts, nor another one of their requests, holds units. */
function withoutHoldsOf(attempts: readonly Attempt[]): object {
	const keyed = attempts.flatMap(({ request_id = [] }) => request_id);
	return {
		$nor: [
			{ "holds.reservation_id": { $in: attempts.map(({ reservation_id }) => reservation_id) } },
			...(keyed.length > 0 ? [{ "holds.request_id": { $in: keyed } }] : []),
		],
	};
}

/** A call of `reserve`. */
export interface ReserveCall {
	attempt: Attempt;
	lines: Line[];
}

/**
 * Holds units for several attempts to order that come at the same time, each as `reserve` does. Attempts at one product
 * become one guarded update of it, so that a product that many buy is not written once for each of them.
 *
 * @returns What is held, or why it is not, for each call in their order.
 */
export async function reserveTogether(
	store: Store,
	calls: readonly ReserveCall[],
): Promise<(Reserved | Error)[]> {
	const outcomes: (Reserved | undefined)[] = calls.map(() => undefined);
	for (const places of Map.groupBy(calls.keys(), (place) => soleProduct(calls[place] as ReserveCall))) {
		const [product_id, group] = places;
		if (product_id !== undefined && group.length > 1) {
			const held = await holdTogether(
				store,
				product_id,
				group.map((place) => calls[place] as ReserveCall),
			);
			held.forEach((reserved, index) => {
				outcomes[group[index] as number] = reserved;
			});
		}
	}
	return Promise.all(
		calls.map(
			({ attempt, lines }, place) =>
				outcomes[place] ?? reserve(store, attempt, lines).catch((error: Error) => error),
		),
	);
}

/** The product of a call with one line. */
function soleProduct({ lines: [line, ...others] }: ReserveCall): string | undefined {
	return others.length === 0 ? line?.product_id : undefined;
}

/** Holds what there is enough for by one update; undefined for calls that have to be looked at one by one. */
async function holdTogether(
	store: Store,
	product_id: string,
	calls: ReserveCall[],
): Promise<(Reserved | undefined)[]> {
	const [document] = await store.find({ query: { _id: product_id, ...ON_SALE } });
	const holders = new Set(document?.holds.flatMap(idsOf));
	let left = document?.stock ?? 0;
	const fitting = calls.filter(({ attempt, lines: [line] }) => {
		const quantity = line?.quantity ?? 0;
		const ids = idsOf(attempt);
		if (quantity > left || ids.some((id) => holders.has(id))) {
			return false;
		}
		left -= quantity;
		for (const id of ids) {
			holders.add(id);
		}
		return true;
	});
	const holds = fitting.map(({ attempt, lines: [line] }) => holdOf(attempt, line?.quantity ?? 0));
	const sum = holds.reduce((units, { quantity }) => units + quantity, 0);
	const changed =
		document && holds.length > 1
			? await store.updateMany(
					{
						...{ _id: product_id, ...ON_SALE, stock: { $gte: sum } },
						...withoutHoldsOf(fitting.map(({ attempt }) => attempt)),
					},
					{ $inc: { stock: -sum }, $push: { holds: { $each: holds } } },
				)
			: 0;
	return calls.map((call) =>
		document && changed > 0 && fitting.includes(call)
			? {
					reservation_id: call.attempt.reservation_id,
					expires_at: call.attempt.expires_at,
					lines: call.lines.map((line) => ({ ...line, document })),
				}
			: undefined,
	);
}

/** Ids of an attempt or its hold. The two kinds never meet: UUIDs of versions 4 and 8. */
function idsOf({ reservation_id, request_id }: Attempt | Hold): string[] {
	return request_id === undefined ? [reservation_id] : [reservation_id, request_id];
}

function holdOf({ reservation_id, request_id, expires_at }: Attempt, quantity: number): Hold {
	return { reservation_id, ...(request_id ? { request_id } : {}), expires_at, quantity };
}

/** Holds every line; where one is short, releases the others and answers that one. */
async function holdAll(
	store: Store,
	attempt: Attempt,
	wanted: Map<string, number>,
): Promise<{ product_id: string; requested: number } | undefined> {
	for (const [place, [product_id, quantity]] of [...wanted].entries()) {
		// Where its answer is lost the hold may be there: the caller abandons the reservation before it is released.
		const changed = await store.updateMany(
			{
				...{ _id: product_id, ...ON_SALE, stock: { $gte: quantity } },
				...withoutHoldsOf([attempt]),
			},
			{ $inc: { stock: -quantity }, $push: { holds: holdOf(attempt, quantity) } },
		);
		if (changed === 0) {
			if (place > 0) {
				// Nobody takes over a part of the lines.
				await settle(store, new Map([[attempt.reservation_id, "release"]]));
			}
			return { product_id, requested: quantity };
		}
	}
	return undefined;
}

/** The fate of a hold: its units are sold, or go back on sale. */
export type Fate = "consume" | "release";

/**
 * Settles the holds of reservations, in one update of each product where that is possible. The guard is the presence of the
 * holds: whoever takes one out puts its units back, so a late duplicate does nothing.
 *
 * @returns How many holds went, and the products that got units.
 */
export async function settle(
	store: Store,
	fates: ReadonlyMap<string, Fate>,
): Promise<{ holds: number; released: string[] }> {
	const query = { "holds.reservation_id": { $in: [...fates.keys()] } };
	const settled = { holds: 0, released: [] as string[] };
	for (const { _id, holds } of await store.find({ query })) {
		const sold = holds.filter(({ reservation_id }) => fates.get(reservation_id) === "consume");
		const unsold = holds.filter(({ reservation_id }) => fates.get(reservation_id) === "release");
		if (sold.length > 0) {
			settled.holds += (await takeOut(store, _id, sold, 0)) ? sold.length : 0;
		}
		const went = unsold.length > 0 ? await releaseHolds(store, _id, unsold) : 0;
		settled.holds += went;
		settled.released.push(...(went > 0 ? [_id] : []));
	}
	return settled;
}

/** Answers how many of these holds this call has released. */
async function releaseHolds(store: Store, _id: string, holds: Hold[]): Promise<number> {
	const units = holds.reduce((sum, { quantity }) => sum + quantity, 0);
	if (await takeOut(store, _id, holds, units)) {
		return holds.length;
	}
	if (holds.length === 1) {
		return 0;
	}
	// Some of them went meanwhile.
	let released = 0;
	for (const hold of holds) {
		released += await releaseHolds(store, _id, [hold]);
	}
	return released;
}

/** Takes holds out of a product if all of them are there, and puts units back; sold are those that bring none back. */
async function takeOut(store: Store, _id: string, holds: Hold[], units: number): Promise<boolean> {
	const ids = holds.map(({ reservation_id }) => reservation_id);
	const sale = { reservation_id: ids.at(-1), at: new Date().toISOString() };
	const changed = await store.updateMany(
		units > 0
			? { _id, $and: ids.map((id) => ({ "holds.reservation_id": id })) }
			: // Those that went meanwhile bring nothing back either.
				{ _id, "holds.reservation_id": { $in: ids } },
		{
			$pull: { holds: { reservation_id: { $in: ids } } },
			...(units > 0 ? { $inc: { stock: units } } : { $set: { last_sold: sale } }),
		},
	);
	return changed > 0;
}

/** The reservations that were sold last, at most one of each product. */
export async function newestSales(store: Store): Promise<string[]> {
	const query = { last_sold: { $exists: true } };
	const found = await store.find({ query, sort: ["-last_sold.at"], limit: NEWEST });
	return found.flatMap(({ last_sold }) => last_sold?.reservation_id ?? []);
}

/** The reservations that lack the hold of one of their products. */
export async function findUnheld(
	store: Store,
	reservations: { reservation_id: string; product_ids: string[] }[],
): Promise<string[]> {
	const ids = reservations.map(({ reservation_id }) => reservation_id);
	const held = new Set<string>();
	for (const { _id, holds } of await store.find({ query: { "holds.reservation_id": { $in: ids } } })) {
		for (const { reservation_id } of holds) {
			held.add(`${_id} ${reservation_id}`);
		}
	}
	return reservations
		.filter(({ reservation_id, product_ids }) =>
			product_ids.some((product_id) => !held.has(`${product_id} ${reservation_id}`)),
		)
		.map(({ reservation_id }) => reservation_id);
}

/** A line of an order whose hold is lost. */
export interface LostLine extends Line {
	/** Whether its units left the stock in what orders has lost: then none are taken. */
	is_sold: boolean;
}

/**
 * Holds units again for a pending order whose hold is lost, all lines or none; a line that is held stays so.
 *
 * @returns Whether all lines are held.
 */
export async function holdAgain(
	store: Store,
	attempt: Pick<Attempt, "reservation_id" | "expires_at">,
	lines: LostLine[],
): Promise<boolean> {
	const { reservation_id } = attempt;
	const isUnheld = { $nor: [{ "holds.reservation_id": reservation_id }] };
	for (const { product_id, quantity, is_sold } of lines) {
		const changed = await store.updateMany(
			{ _id: product_id, ...isUnheld, ...(is_sold ? {} : { stock: { $gte: quantity } }) },
			{ ...(is_sold ? {} : { $inc: { stock: -quantity } }), $push: { holds: holdOf(attempt, quantity) } },
		);
		const isHeld =
			changed > 0 || (await store.findOne({ _id: product_id, "holds.reservation_id": reservation_id }));
		if (!isHeld) {
			await settle(store, new Map([[reservation_id, "release"]]));
			return false;
		}
	}
	return true;
}

/** Takes units out of a stock that orders has sold, where it is as it was found; answers whether it was. */
export async function takeSold(
	store: Store,
	found: { product_id: string; stock: number; supplied: number; quantity: number },
): Promise<boolean> {
	const { product_id: _id, stock, supplied, quantity } = found;
	return (await store.updateMany({ _id, stock, supplied }, { $inc: { stock: -quantity } })) > 0;
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
