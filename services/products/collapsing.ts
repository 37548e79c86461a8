import type { ProductDocument } from "./documents.ts";
import type { Collapsed, CollapsedPage, Listed, Page } from "./listing.ts";

/** A batch of products that match a page's filters, in its order. */
export interface Batch {
	products: Listed[];
	/** Number of products that were looked at, and the key of the last one. */
	scanned: number;
	last: string;
}

/** A variant of a group on sale. */
export interface Variant extends Pick<ProductDocument, "_id" | "price_minor" | "stock"> {
	/** True if it matches the page's filters. */
	isMatch: boolean;
}

/**
 * Maximum number of products that a page looks at. After many variants that do not stand for their group, as at the end of
 * a list by time where all first variants came first, the page ends early instead.
 */
export const SCANNED_MAX = 1000;

/**
 * Returns a page with one product for each group: of the variants that match the filters the first in stock, else the
 * first, at its own place in the order. So each product is judged alone, cursors work as without groups, and only the
 * groups that are met are read.
 *
 * @param variantsOf Returns all variants of groups, in the order in which they came.
 */
export async function collapse(
	{ skip, limit }: Page,
	batches: AsyncIterable<Batch>,
	variantsOf: (group_ids: string[]) => Promise<Map<string, Variant[]>>,
): Promise<CollapsedPage> {
	const groups = new Map<string, Variant[]>();
	const found: Collapsed[] = [];
	let skipped = 0;
	let scanned = 0;
	for await (const batch of batches) {
		const met = new Set(batch.products.flatMap(({ group_id }) => group_id ?? []));
		const unread = [...met].filter((group_id) => !groups.has(group_id));
		for (const [group_id, variants] of unread.length > 0 ? await variantsOf(unread) : []) {
			groups.set(group_id, variants);
		}
		for (const product of batch.products) {
			const variants = product.group_id ? (groups.get(product.group_id) ?? []) : [];
			if ((firstOf(variants) ?? product)._id !== product._id) {
				continue;
			}
			if (skipped < skip) {
				skipped++;
				continue;
			}
			found.push({ ...product, ...totalsOf(variants.length > 0 ? variants : [product]) });
			if (found.length === limit) {
				return { found };
			}
		}
		scanned += batch.scanned;
		if (scanned >= SCANNED_MAX && skipped === skip) {
			return { found, stopped_at: batch.last };
		}
	}
	return { found };
}

function firstOf(variants: Variant[]): Variant | undefined {
	const matching = variants.filter(({ isMatch }) => isMatch);
	return matching.find(({ stock }) => stock > 0) ?? matching[0];
}

function totalsOf(variants: Pick<Variant, "price_minor">[]) {
	const prices = variants.map(({ price_minor }) => price_minor);
	return {
		...{ variant_count: variants.length },
		...{ min_price_minor: Math.min(...prices), max_price_minor: Math.max(...prices) },
	};
}
