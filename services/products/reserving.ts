import { problem } from "../../contracts/problems.ts";
import type { Hold, ProductDocument } from "./documents.ts";
import { addMoved, type HoldStore, unitsOf, unmoved } from "./hold-pages.ts";
import { type Line, sumByProduct } from "./lines.ts";
import { ON_SALE } from "./model.ts";
import { settle } from "./settling.ts";

const FIELDS = [
	...(["name", "price_minor", "stock", "holds", "hold_pages", "moves"] as const),
	...(["options", "weight_g", "requires_shipping", "category"] as const),
] as const;

/** Fields of a product that a reservation reads. Of the holds in pages, only those of the attempts are included. */
type ReservedProduct = Pick<ProductDocument, "_id" | (typeof FIELDS)[number]>;

/** An attempt to order. */
export interface Attempt {
	reservation_id: string;
	/** Shared by all attempts with the same Idempotency-Key: only one of them holds units. */
	request_id?: string | undefined;
	/** ISO 8601. */
	expires_at: string;
}

type ReservedLine = Line & { document: ReservedProduct };

/** The units held for an order. */
export interface Reserved {
	/** That of an earlier attempt of the same request, if it holds all lines already. */
	reservation_id: string;
	/** Expiry of the holds, ISO 8601. */
	expires_at: string;
	lines: ReservedLine[];
}

/** Maximum number of tries for units that concurrent orders take. */
const TRIES = 5;

/**
 * Reserves units for an attempt to order, all lines or none. Every step is one guarded update of one document. It takes
 * the units from the stock and adds the hold, only if there are enough units, and neither this attempt nor another one
 * of the same request holds any. So a duplicate attempt holds once. The product's pages are read before, and the update
 * has the guard that no hold has moved to one meanwhile.
 *
 * @throws PRODUCT_NOT_FOUND or OUT_OF_STOCK, naming every line at fault; RESERVATION_UNDER_WAY if another attempt of
 * the request holds some of the lines and not all. Then this attempt holds nothing.
 */
export async function reserve(store: HoldStore, attempt: Attempt, lines: Line[]): Promise<Reserved> {
	const wanted = sumByProduct(lines);
	for (let tried = 0; ; ) {
		const documents = await find(store, [...wanted.keys()], [attempt]);
		const held = [...wanted].map(([product_id, quantity]) => ({
			...{ product_id, quantity },
			document: documents.get(product_id) as ReservedProduct,
		}));
		const earlier = attemptOf(attempt, held);
		if (earlier) {
			const { reservation_id, expires_at } = earlier;
			return { reservation_id, expires_at, lines: held };
		}
		refuseShortages(documents, wanted);
		const short = await holdAll(store, attempt, held);
		if (!short) {
			const { reservation_id, expires_at } = attempt;
			return { reservation_id, expires_at, lines: held };
		}
		// A concurrent order took the units, which may come back, or holds moved to a page.
		tried += (await hasMoved(store, short.document)) ? 0 : 1;
		if (tried === TRIES) {
			const message = "others are buying this at the same moment: try again";
			const { product_id, quantity: requested } = short;
			const error = { path: "items", message, product_id, requested, available: 0 };
			throw problem("OUT_OF_STOCK", { errors: [error] });
		}
	}
}

/** Tells whether holds of a product have moved to a page since it was read, which may be why an update of it failed. */
async function hasMoved({ products }: HoldStore, { _id, moves }: ReservedProduct): Promise<boolean> {
	const [later] = await products.find({ query: { _id }, fields: ["moves"] });
	return later?.moves !== moves;
}

/**
 * Returns a hold of the attempt that holds all lines: this attempt, delivered before, or an earlier one of its request.
 */
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

/** Matches products on which neither these attempts nor others of their requests hold units. */
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
 * Reserves units of one product for several concurrent attempts to order, each like `reserve`. They share one guarded
 * update, so that a popular product is not written once for each attempt.
 *
 * @param calls Calls of one line each.
 * @returns The reserved units or the error, for each call in order.
 */
export async function reserveTogether(
	store: HoldStore,
	product_id: string,
	calls: readonly ReserveCall[],
): Promise<(Reserved | Error)[]> {
	const held = calls.length > 1 ? await holdTogether(store, product_id, calls) : [];
	return Promise.all(
		calls.map(
			({ attempt, lines }, place) =>
				held[place] ?? reserve(store, attempt, lines).catch((error: Error) => error),
		),
	);
}

/** Reserves as many calls as the stock allows in one update; undefined for calls that have to be handled one by one. */
async function holdTogether(
	store: HoldStore,
	product_id: string,
	calls: readonly ReserveCall[],
): Promise<(Reserved | undefined)[]> {
	const [document] = await findOnSale(
		store,
		[product_id],
		calls.map(({ attempt }) => attempt),
	);
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
	const sum = unitsOf(holds);
	if (!document || holds.length < 2) {
		return calls.map(() => undefined);
	}
	const changed = await store.products.updateMany(
		{
			...{ _id: product_id, ...ON_SALE, ...unmoved(document), stock: { $gte: sum } },
			...withoutHoldsOf(fitting.map(({ attempt }) => attempt)),
		},
		{ $inc: { stock: -sum }, $push: { holds: { $each: holds } } },
	);
	if (changed === 0 && (await hasMoved(store, document))) {
		return holdTogether(store, product_id, calls);
	}
	return calls.map(({ attempt: { reservation_id, expires_at }, lines }, place) =>
		changed > 0 && fitting.includes(calls[place] as ReserveCall)
			? { reservation_id, expires_at, lines: lines.map((line) => ({ ...line, document })) }
			: undefined,
	);
}

/** Returns the ids of an attempt or its hold. The two kinds never collide: only those of requests are UUIDs of version 8. */
function idsOf({ reservation_id, request_id }: Attempt | Hold): string[] {
	return request_id === undefined ? [reservation_id] : [reservation_id, request_id];
}

/** Returns the hold of an attempt. */
export function holdOf({ reservation_id, request_id, expires_at }: Attempt, quantity: number): Hold {
	return { reservation_id, ...(request_id ? { request_id } : {}), expires_at, quantity };
}

/** Holds every line. If one is short, releases the others and returns it. */
async function holdAll(
	store: HoldStore,
	attempt: Attempt,
	lines: ReservedLine[],
): Promise<ReservedLine | undefined> {
	for (const [place, line] of lines.entries()) {
		const { product_id, quantity, document } = line;
		// If the response is lost, the hold may exist: the caller abandons the reservation before it is released.
		const changed = await store.products.updateMany(
			{
				...{ _id: product_id, ...ON_SALE, ...unmoved(document), stock: { $gte: quantity } },
				...withoutHoldsOf([attempt]),
			},
			{ $inc: { stock: -quantity }, $push: { holds: holdOf(attempt, quantity) } },
		);
		if (changed === 0) {
			if (place > 0) {
				// No other attempt takes over an incomplete reservation.
				await settle(store, new Map([[attempt.reservation_id, "release"]]));
			}
			return line;
		}
	}
	return undefined;
}

/** Returns products on sale, including the holds of these attempts in their pages. */
async function findOnSale(
	store: HoldStore,
	product_ids: string[],
	attempts: Attempt[],
): Promise<ReservedProduct[]> {
	const found = await store.products.find({
		query: { _id: { $in: product_ids }, ...ON_SALE },
		fields: FIELDS,
	});
	await addMoved(store, found, {
		reservation_ids: attempts.map(({ reservation_id }) => reservation_id),
		request_ids: attempts.flatMap(({ request_id = [] }) => request_id),
	});
	return found;
}

async function find(
	store: HoldStore,
	product_ids: string[],
	attempts: Attempt[],
): Promise<Map<string, ReservedProduct>> {
	const found = await findOnSale(store, product_ids, attempts);
	const documents = new Map(found.map((document) => [document._id, document]));
	const unknown = product_ids.filter((id) => !documents.has(id));
	if (unknown.length > 0) {
		throw problem("PRODUCT_NOT_FOUND", {
			errors: unknown.map((id) => ({ path: "items", message: `there is no product ${id}`, product_id: id })),
		});
	}
	return documents;
}

/** @throws OUT_OF_STOCK, naming every line that is short */
function refuseShortages(documents: Map<string, ReservedProduct>, wanted: Map<string, number>): void {
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

/** Converts a held line to the contract's. */
export function presentLine({ product_id, quantity, document }: ReservedLine, isDescribed: boolean) {
	const { options, weight_g, requires_shipping, category } = document;
	const described = {
		...{ options: options ? Object.fromEntries(options) : null, category },
		...{ weight_g: weight_g ?? 0, requires_shipping: requires_shipping ?? true },
	};
	const { name, price_minor } = document;
	return { product_id, quantity, name, price_minor, ...(isDescribed ? described : {}) };
}
