import type { z } from "zod";
import type { catalogueLine, catalogueOutcome } from "../../contracts/products.ts";
import { type DocumentAdapter, isDuplicate } from "../../mixins/documents.ts";
import { changesOf, newDocument, type ProductDocument } from "./model.ts";
import { searchFields } from "./search.ts";

type Line = z.output<typeof catalogueLine> & { line: number };
type Outcome = z.input<typeof catalogueOutcome>;
type Store = DocumentAdapter<ProductDocument>;

/**
 * Takes lines of a catalogue over. A new sku becomes a product with its stock. A known one gets the new description
 * and price, but keeps its stock: what was sold since the first import must not come back.
 */
export async function importLines(
	store: Store,
	changed: (ids: string[]) => Promise<void>,
	file: string,
	lines: Line[],
): Promise<Outcome[]> {
	const skus = [...new Set(lines.map((line) => line.sku))];
	const known = new Map(
		(await store.find({ query: { sku: { $in: skus } } })).map((found) => [found.sku, found]),
	);
	const fresh: ProductDocument[] = [];
	const outcomes: Outcome[] = [];
	for (const { sku, line, ...given } of lines) {
		const described_by = { file, line };
		const document = known.get(sku);
		if (!document) {
			const created = newDocument(given, sku, described_by);
			known.set(sku, created);
			fresh.push(created);
			outcomes.push("created");
		} else if (document.described_by?.file === file && document.described_by.line !== line) {
			outcomes.push("repeated");
		} else if (document.removed_at !== null) {
			outcomes.push("removed");
		} else {
			outcomes.push(await describeAgain(store, document, { ...changesOf(given), described_by }));
		}
	}
	if (fresh.length > 0) {
		await insertAll(store, fresh);
	}
	await changed([...known.values()].map(({ _id }) => _id));
	return outcomes;
}

async function describeAgain(
	store: Store,
	document: ProductDocument,
	{ described_by, ...described }: ReturnType<typeof changesOf> & Pick<ProductDocument, "described_by">,
): Promise<Outcome> {
	const isSame = (Object.keys(described) as (keyof typeof described)[]).every(
		(field) => described[field] === document[field],
	);
	if (isSame && document.described_by?.file === described_by?.file) {
		return "unchanged";
	}
	const updated_at = isSame ? document.updated_at : new Date().toISOString();
	Object.assign(document, described, { described_by });
	const found_by = searchFields(document);
	await store.updateMany(
		{ sku: document.sku },
		{ $set: { ...described, ...found_by, described_by, updated_at } },
	);
	return isSame ? "unchanged" : "updated";
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
