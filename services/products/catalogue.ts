import type { z } from "zod";
import type { catalogueLine, catalogueOutcome } from "../../contracts/products.ts";
import type { DocumentAdapter } from "../../mixins/documents.ts";
import { changesOf, newDocument, type ProductDocument } from "./model.ts";

type Line = z.output<typeof catalogueLine>;
type Outcome = z.input<typeof catalogueOutcome>;
type Store = DocumentAdapter<ProductDocument>;

/**
 * Takes lines of a catalogue over. A new sku becomes a product with its stock. A known one gets the new description
 * and price, but keeps its stock: what was sold since the first import must not come back.
 */
export async function importLines(store: Store, lines: Line[]): Promise<Outcome[]> {
	const skus = [...new Set(lines.map((line) => line.sku))];
	const known = new Map((await store.find({ query: { sku: { $in: skus } } })).map((found) => [found.sku, found]));
	const fresh = new Map<string, ProductDocument>();
	const outcomes: Outcome[] = [];
	for (const { sku, ...described } of lines) {
		const document = known.get(sku);
		if (document) {
			outcomes.push(await describeAgain(store, document, changesOf(described)));
		} else {
			const created = newDocument(described, sku);
			known.set(sku, created);
			fresh.set(sku, created);
			outcomes.push("created");
		}
	}
	if (fresh.size > 0) {
		await insertAll(store, [...fresh.values()]);
	}
	return outcomes;
}

async function describeAgain(
	store: Store,
	document: ProductDocument,
	described: ReturnType<typeof changesOf>,
): Promise<Outcome> {
	const differs = (Object.keys(described) as (keyof typeof described)[]).some(
		(field) => described[field] !== document[field],
	);
	if (!differs) {
		return "unchanged";
	}
	Object.assign(document, described);
	await store.updateMany({ sku: document.sku }, { $set: { ...described, updated_at: new Date().toISOString() } });
	return "updated";
}

/** All at once; where another import was faster with a sku, one by one without those. */
async function insertAll(store: Store, documents: ProductDocument[]): Promise<void> {
	try {
		await store.insertMany(documents);
	} catch (error) {
		if (!isDuplicate(error)) {
			throw error;
		}
		for (const document of documents) {
			await store.insert(document).catch((failure) => {
				if (!isDuplicate(failure)) {
					throw failure;
				}
			});
		}
	}
}

/** MongoDB says 11000; NeDB says uniqueViolated. */
function isDuplicate(error: unknown): boolean {
	const { code, errorType } = error as { code?: unknown; errorType?: unknown };
	return code === 11000 || errorType === "uniqueViolated";
}
