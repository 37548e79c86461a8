import pLimit from "p-limit";
import type { DocumentAdapter } from "../../database/document-store.ts";
import type { Hold } from "./documents.ts";
import { collect, findCounted, type HoldStore, unitsOf } from "./hold-pages.ts";

/** The fate of a hold: its units are sold, or go back on sale. */
export type Fate = "consume" | "release";

/** Maximum number of concurrent writes of products: simultaneous writes share the cost of the disk. */
const WRITES_MAX = 50;

/** A collection of documents with holds. */
interface HoldLocation {
	documents: Pick<DocumentAdapter<object>, "updateMany">;
	/** The field that units of released holds are added to. */
	units: "stock" | "returned";
}

/**
 * Settles the holds of reservations, with one update per product and page if possible. The guard is the presence of the
 * holds: only the update that removes one puts its units back, so a late duplicate has no effect. Pages are read after
 * all products, since a hold moves from its product to a page and never back: a hold that has moved meanwhile is found
 * there.
 *
 * @returns Number of removed holds, and the products whose stock has increased.
 */
export async function settle(
	store: HoldStore,
	fates: ReadonlyMap<string, Fate>,
): Promise<{ holds: number; released: string[] }> {
	const query = { "holds.reservation_id": { $in: [...fates.keys()] } };
	const removed = new Set<string>();
	const released = new Set<string>();
	const record = (product_id: string, { sold, unsold }: Settled) => {
		for (const { reservation_id } of [...sold, ...unsold]) {
			removed.add(`${product_id} ${reservation_id}`);
		}
		if (unsold.length > 0) {
			released.add(product_id);
		}
	};
	const inProducts: HoldLocation = { documents: store.products, units: "stock" };
	const limit = pLimit(WRITES_MAX);
	await limit.map(await store.products.find({ query, fields: ["holds"] }), async ({ _id, holds }) =>
		record(_id, await settleIn(inProducts, _id, holds, fates)),
	);
	const inPages: HoldLocation = { documents: store.pages, units: "returned" };
	const paged = Map.groupBy(await findCounted(store, query), (page) => page.product_id);
	await limit.map(paged, async ([product_id, pages]) => {
		const settled = await Promise.all(
			pages.map(async ({ _id, holds }) => ({
				...{ _id, left: holds.length },
				settledHolds: await settleIn(inPages, _id, holds, fates),
			})),
		);
		const due: string[] = [];
		for (const { _id, left, settledHolds } of settled) {
			record(product_id, settledHolds);
			if (settledHolds.unsold.length > 0 || settledHolds.sold.length === left) {
				due.push(_id);
			}
		}
		if (due.length > 0) {
			await collect(store, product_id, due);
		}
	});
	return { holds: removed.size, released: [...released] };
}

interface Settled {
	sold: Hold[];
	unsold: Hold[];
}

/** Settles the holds of a document that have a fate. Returns those that this call has settled. */
async function settleIn(
	location: HoldLocation,
	_id: string,
	holds: Hold[],
	fates: ReadonlyMap<string, Fate>,
): Promise<Settled> {
	const sold = holds.filter(({ reservation_id }) => fates.get(reservation_id) === "consume");
	const unsold = holds.filter(({ reservation_id }) => fates.get(reservation_id) === "release");
	return {
		sold: sold.length > 0 && (await removeHolds(location, _id, sold, 0)) ? sold : [],
		unsold: unsold.length > 0 ? await releaseHolds(location, _id, unsold) : [],
	};
}

/** Releases holds. Returns those that this call has released. */
async function releaseHolds(location: HoldLocation, _id: string, holds: Hold[]): Promise<Hold[]> {
	if (await removeHolds(location, _id, holds, unitsOf(holds))) {
		return holds;
	}
	if (holds.length === 1) {
		return [];
	}
	// Some of them were removed meanwhile.
	const released: Hold[] = [];
	for (const hold of holds) {
		released.push(...(await releaseHolds(location, _id, [hold])));
	}
	return released;
}

/**
 * Removes holds from a document and puts their units back. Requires that all of them are present, unless they are sold
 * and put no units back.
 */
async function removeHolds(
	location: HoldLocation,
	_id: string,
	holds: Hold[],
	units: number,
): Promise<boolean> {
	const ids = holds.map(({ reservation_id }) => reservation_id);
	const [first, ...others] = ids;
	const sale = { reservation_id: ids.at(-1), at: new Date().toISOString() };
	const changed = await location.documents.updateMany(
		units > 0
			? {
					...{ _id, "holds.reservation_id": first },
					// Without `$and` for one hold: with it, the server for development reads the whole collection.
					...(others.length > 0 ? { $and: others.map((id) => ({ "holds.reservation_id": id })) } : {}),
				}
			: // Holds that were removed meanwhile put no units back either.
				{ _id, "holds.reservation_id": { $in: ids } },
		{
			$pull: { holds: { reservation_id: { $in: ids } } },
			...(units > 0 ? { $inc: { [location.units]: units } } : { $set: { last_sold: sale } }),
		},
	);
	return changed > 0;
}
