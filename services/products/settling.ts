import pLimit from "p-limit";
import type { DocumentAdapter } from "../../database/document-store.ts";
import type { Hold } from "./documents.ts";
import { collect, findCounted, type HoldStore, unitsOf } from "./hold-pages.ts";

/** The fate of a hold: its units are sold, or go back on sale. */
export type Fate = "consume" | "release";

/** Products that are written at the same moment: writes that come together share the cost of the disk. */
const WRITES_AT_ONCE = 50;

/** Documents that have holds. */
interface Place {
	documents: Pick<DocumentAdapter<object>, "updateMany">;
	/** The field that units of released holds are added to. */
	units: "stock" | "returned";
}

/**
 * Settles the holds of reservations, in one update of each product and page where that is possible. The guard is the
 * presence of the holds: whoever takes one out puts its units back, so a late duplicate does nothing. Pages come after all
 * products, since a hold moves from its product to a page and never back: one that has moved meanwhile is found there.
 *
 * @returns How many holds went, and the products that got units.
 */
export async function settle(
	store: HoldStore,
	fates: ReadonlyMap<string, Fate>,
): Promise<{ holds: number; released: string[] }> {
	const query = { "holds.reservation_id": { $in: [...fates.keys()] } };
	const gone = new Set<string>();
	const released = new Set<string>();
	const note = (product_id: string, { sold, unsold }: Settled) => {
		for (const { reservation_id } of [...sold, ...unsold]) {
			gone.add(`${product_id} ${reservation_id}`);
		}
		if (unsold.length > 0) {
			released.add(product_id);
		}
	};
	const inProducts: Place = { documents: store.products, units: "stock" };
	const limit = pLimit(WRITES_AT_ONCE);
	await limit.map(await store.products.find({ query, fields: ["holds"] }), async ({ _id, holds }) =>
		note(_id, await settleIn(inProducts, _id, holds, fates)),
	);
	const inPages: Place = { documents: store.pages, units: "returned" };
	const paged = Map.groupBy(await findCounted(store, query), (page) => page.product_id);
	await limit.map(paged, async ([product_id, pages]) => {
		const settled = await Promise.all(
			pages.map(async ({ _id, holds }) => ({
				...{ _id, left: holds.length },
				went: await settleIn(inPages, _id, holds, fates),
			})),
		);
		const due: string[] = [];
		for (const { _id, left, went } of settled) {
			note(product_id, went);
			if (went.unsold.length > 0 || went.sold.length === left) {
				due.push(_id);
			}
		}
		if (due.length > 0) {
			await collect(store, product_id, due);
		}
	});
	return { holds: gone.size, released: [...released] };
}

interface Settled {
	sold: Hold[];
	unsold: Hold[];
}

/** Settles those of a document's holds that have a fate; answers those that this call has settled. */
async function settleIn(
	place: Place,
	_id: string,
	holds: Hold[],
	fates: ReadonlyMap<string, Fate>,
): Promise<Settled> {
	const sold = holds.filter(({ reservation_id }) => fates.get(reservation_id) === "consume");
	const unsold = holds.filter(({ reservation_id }) => fates.get(reservation_id) === "release");
	return {
		sold: sold.length > 0 && (await takeOut(place, _id, sold, 0)) ? sold : [],
		unsold: unsold.length > 0 ? await releaseHolds(place, _id, unsold) : [],
	};
}

/** Answers those of these holds that this call has released. */
async function releaseHolds(place: Place, _id: string, holds: Hold[]): Promise<Hold[]> {
	if (await takeOut(place, _id, holds, unitsOf(holds))) {
		return holds;
	}
	if (holds.length === 1) {
		return [];
	}
	// Some of them went meanwhile.
	const released: Hold[] = [];
	for (const hold of holds) {
		released.push(...(await releaseHolds(place, _id, [hold])));
	}
	return released;
}

/** Takes holds out of a document if all of them are there, and puts units back; sold are those that bring none back. */
async function takeOut(place: Place, _id: string, holds: Hold[], units: number): Promise<boolean> {
	const ids = holds.map(({ reservation_id }) => reservation_id);
	const [first, ...others] = ids;
	const sale = { reservation_id: ids.at(-1), at: new Date().toISOString() };
	const changed = await place.documents.updateMany(
		units > 0
			? {
					...{ _id, "holds.reservation_id": first },
					// Not for one: a server for development reads the whole collection where a query has it.
					...(others.length > 0 ? { $and: others.map((id) => ({ "holds.reservation_id": id })) } : {}),
				}
			: // Those that went meanwhile bring nothing back either.
				{ _id, "holds.reservation_id": { $in: ids } },
		{
			$pull: { holds: { reservation_id: { $in: ids } } },
			...(units > 0 ? { $inc: { [place.units]: units } } : { $set: { last_sold: sale } }),
		},
	);
	return changed > 0;
}
