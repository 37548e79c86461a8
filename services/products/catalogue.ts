import type { z } from "zod";
import { toMinor } from "../../contracts/money.ts";
import { type catalogueLine, type catalogueOutcome, neededOfNew } from "../../contracts/products.ts";
import type { DocumentAdapter } from "../../database/document-store.ts";
import { isDuplicate } from "../../mixins/documents.ts";
import type { ProductDocument } from "./documents.ts";
import { type changesOf, newDocument, ON_SALE } from "./model.ts";
import { searchFields } from "./search.ts";

type Line = z.output<typeof catalogueLine> & { line: number };
type Outcome = z.input<typeof catalogueOutcome>;
type Store = DocumentAdapter<ProductDocument>;
type Described = ReturnType<typeof changesOf>;
type DescribedBy = ProductDocument["described_by"];

/**
 * Imports lines of a catalogue. A new SKU creates a product with its stock. For a known SKU, the fields in the line are
 * updated. Its stock never is, so that units sold since the first import do not come back.
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
	const inserted: ProductDocument[] = [];
	const outcomes: (Outcome | Promise<Outcome>)[] = [];
	/** Lines of the same SKU run in order; all others run concurrently, which shares the cost of the disk. */
	const turns = new Map<string, Promise<unknown>>();
	for (const { sku, line, ...fields } of lines) {
		const described_by = { file, line };
		const document = known.get(sku);
		if (document) {
			const turn = Promise.resolve(turns.get(sku)).then(() =>
				updateProduct(store, document, fields, described_by),
			);
			turns.set(sku, turn);
			outcomes.push(turn);
			continue;
		}
		const { name, price, stock, category } = fields;
		if (name === undefined || price === undefined || stock === undefined || category === undefined) {
			outcomes.push({ missing: neededOfNew.options.filter((field) => fields[field] === undefined) });
			continue;
		}
		const { description, image_url } = fields;
		const product = { name, description: description ?? "", price, stock, category, image_url };
		const created = newDocument(product, sku, described_by);
		known.set(sku, created);
		inserted.push(created);
		outcomes.push("created");
	}
	if (inserted.length > 0) {
		await insertAll(store, inserted);
	}
	const settled = await Promise.all(outcomes);
	await changed([...known.values()].map(({ _id }) => _id));
	return settled;
}

/** Updates the fields that the line gives, and the search fields, which depend on all fields. */
async function updateProduct(
	store: Store,
	known: ProductDocument,
	fields: Omit<Line, "sku" | "line">,
	described_by: NonNullable<DescribedBy>,
): Promise<Outcome> {
	for (;;) {
		const { sku, name, description, category, price_minor } = known;
		const isSameFile = known.described_by?.file === described_by.file;
		if (isSameFile && known.described_by?.line !== described_by.line) {
			return "repeated";
		}
		if (known.removed_at !== null) {
			return "removed";
		}
		const described = fieldsOf(fields);
		const isSame = (Object.keys(described) as (keyof Described)[]).every(
			(field) => described[field] === known[field],
		);
		if (isSame && isSameFile) {
			return "unchanged";
		}
		const changed = await store.updateMany(
			// The search fields depend on these: after a concurrent change they are computed again.
			{ sku, ...ON_SALE, name, description, category, price_minor },
			{
				$set: {
					...described,
					...searchFields({ ...known, ...described }),
					described_by,
					updated_at: isSame ? known.updated_at : new Date().toISOString(),
				},
			},
		);
		Object.assign(known, changed === 1 ? { ...described, described_by } : await store.findOne({ sku }));
		if (changed === 1) {
			return isSame ? "unchanged" : "updated";
		}
	}
}

/** Returns the stored fields that a line gives, without the stock. */
function fieldsOf({ name, description, price, category, image_url }: Omit<Line, "sku" | "line">) {
	const fields: Partial<Described> = {};
	if (name !== undefined) {
		fields.name = name;
	}
	if (description !== undefined) {
		fields.description = description ?? "";
	}
	if (price !== undefined) {
		fields.price_minor = toMinor(price);
	}
	if (category !== undefined) {
		fields.category = category;
	}
	if (image_url !== undefined) {
		fields.image_url = image_url;
	}
	return fields;
}

/** Inserts all documents at once. If a concurrent import has created one of the SKUs, inserts the others one by one. */
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
