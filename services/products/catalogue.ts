import type { z } from "zod";
import { problemCode } from "../../contracts/problem-codes.ts";
import type { cataloguePreview } from "../../contracts/product-schemas.ts";
import { isDuplicate } from "../../mixins/documents.ts";
import { type Line, writeGroups } from "./catalogue-groups.ts";
import {
	type Change,
	documentOf,
	type Known,
	type Outcome,
	readKnown,
	readVariants,
	sameVariant,
	sameVariantAs,
	updateIn,
} from "./catalogue-lines.ts";
import type { ProductDocument } from "./documents.ts";
import { takeOut } from "./groups.ts";
import { type GroupStore, writeVariant } from "./variants.ts";

type Products = GroupStore["products"];
type DescribedBy = NonNullable<ProductDocument["described_by"]>;
type Preview = z.input<typeof cataloguePreview>;

/** Maximum length of a value in a preview. */
const SHOWN_MAX = 60;

/**
 * Imports lines of a catalogue. A new SKU creates a product with its stock. For a known SKU, the fields in the line are
 * updated. Its stock never is, so that units sold since the first import do not come back. A group that does not exist
 * is created before its first variant.
 */
export async function importLines(
	store: GroupStore,
	changed: (ids: string[]) => Promise<void>,
	file: string,
	lines: Line[],
): Promise<Outcome[]> {
	const known = await readKnown(store, lines);
	await writeGroups(store.groups, known.groups);
	await readVariants(store, known);
	const inserted: ProductDocument[] = [];
	const outcomes: (Outcome | ProductDocument | Promise<Outcome>)[] = [];
	/** Lines of the same SKU run in order; all others run concurrently, which shares the cost of the disk. */
	const turns = new Map<string, Promise<unknown>>();
	for (const line of lines) {
		const described_by = { file, line: line.line };
		const product = known.products.get(line.sku);
		if (product) {
			const turn = Promise.resolve(turns.get(line.sku)).then(() =>
				updateProduct(store.products, known, product, line, described_by),
			);
			turns.set(line.sku, turn);
			outcomes.push(turn);
			continue;
		}
		const created = documentOf(known, line, described_by);
		if ("_id" in created) {
			note(known, created);
			inserted.push(created);
		}
		outcomes.push(created);
	}
	// A changed variant may leave its options to a new one.
	await Promise.all(turns.values());
	const refused = inserted.length > 0 ? await insertAll(store.products, inserted, file) : new Map();
	const settled = await Promise.all(outcomes);
	const left = await Promise.all([...known.groups.byId.keys()].map((id) => takeOut(store, id)));
	await changed([...new Set([...[...known.products.values()].map(({ _id }) => _id), ...left.flat()])]);
	return settled.map((outcome, index) => {
		const product = typeof outcome === "object" && "_id" in outcome ? "created" : outcome;
		return withGroup(known, lines[index] as Line, refused.get(lines[index]?.sku) ?? product);
	});
}

/** Returns what an import of lines would do. Writes nothing. */
export async function previewLines(store: GroupStore, lines: Line[]): Promise<Preview[]> {
	const known = await readKnown(store, lines);
	await readVariants(store, known);
	return lines.map((line) => {
		const { outcome, changes = [] } = previewLine(known, line);
		return {
			outcome: withGroup(known, line, outcome),
			changes: changes.map(([field, from, to]) => ({
				field: field === "group_id" ? "group" : field,
				from: shown(known, field, from),
				to: shown(known, field, to),
			})),
		};
	});
}

function previewLine(known: Known, line: Line): { outcome: Outcome; changes?: Change[] } {
	const product = known.products.get(line.sku);
	if (product && product.removed_at !== null) {
		return { outcome: "removed" };
	}
	if (!product) {
		const created = documentOf(known, line, { file: "", line: line.line });
		if (!("_id" in created)) {
			return { outcome: created };
		}
		const same = sameVariant(known, line.sku, created.variant_key);
		if (same) {
			return { outcome: sameVariantAs(same) };
		}
		note(known, created);
		return { outcome: "created" };
	}
	const update = updateIn(known, line, product);
	if ("refused" in update) {
		return { outcome: update };
	}
	const { changes, variant } = update;
	const same = sameVariant(known, line.sku, variant?.variant_key);
	if (same) {
		return { outcome: sameVariantAs(same) };
	}
	if (variant) {
		note(known, { ...product, ...variant });
	}
	return { outcome: changes.length > 0 ? "updated" : "unchanged", changes };
}

/** Notes a product of these lines, for those that follow. */
function note(known: Known, product: ProductDocument): void {
	known.products.set(product.sku, product);
	known.variants.set(product.sku, product);
}

function shown(known: Known, field: Change[0], value: unknown): string {
	const group = field === "group_id" && typeof value === "string" ? known.groups.byId.get(value) : undefined;
	const text = group ? (group.key ?? group._id) : typeof value === "string" ? value : JSON.stringify(value);
	const letters = [...text];
	return letters.length > SHOWN_MAX ? `${letters.slice(0, SHOWN_MAX).join("")}…` : text;
}

/** Adds to the outcome of a line that it has created or changed its group. */
function withGroup({ groups }: Known, line: Line, outcome: Outcome): Outcome {
	const group = groups.created.has(line) ? "created" : groups.updated.has(line) ? "updated" : undefined;
	const isDone = outcome === "created" || outcome === "updated" || outcome === "unchanged";
	return group && isDone ? { product: outcome, group } : outcome;
}

/** Updates the fields that the line gives, and the search fields, which depend on all fields. */
async function updateProduct(
	products: Products,
	known: Known,
	product: ProductDocument,
	line: Line,
	described_by: DescribedBy,
): Promise<Outcome> {
	for (;;) {
		const isSameFile = product.described_by?.file === described_by.file;
		if (isSameFile && product.described_by?.line !== described_by.line) {
			return "repeated";
		}
		if (product.removed_at !== null) {
			return "removed";
		}
		const planned = updateIn(known, line, product);
		if ("refused" in planned) {
			return planned;
		}
		const { query, update, variant } = planned;
		const isSame = planned.changes.length === 0;
		if (isSame && isSameFile) {
			return "unchanged";
		}
		const { updated_at, ...set } = update.$set;
		const $set = { ...set, described_by, updated_at: isSame ? product.updated_at : updated_at };
		try {
			const changed = await writeVariant(products, variant?.variant_key, () =>
				products.updateMany(query, { ...update, $set }),
			);
			Object.assign(product, changed === 1 ? $set : await products.findOne({ sku: product.sku }));
			if (changed === 1) {
				return isSame ? "unchanged" : "updated";
			}
		} catch (error) {
			return await refusal(products, error, described_by.file);
		}
	}
}

/** Returns the outcome of a line that another variant has refused. @throws Any other error. */
async function refusal(products: Products, error: unknown, file: string): Promise<Outcome> {
	const { product_id } = (error as { data?: { product_id?: string } }).data ?? {};
	const other = problemCode(error) === "VARIANT_EXISTS" && (await products.findOne({ _id: product_id }));
	if (!other) {
		throw error;
	}
	return sameVariantAs(other, file);
}

/**
 * Inserts all documents at once. If a concurrent import has created one of the SKUs, or one is the same variant as
 * another product, inserts the others one by one. Returns the reasons of those that were refused, by SKU.
 */
async function insertAll(
	products: Products,
	documents: ProductDocument[],
	file: string,
): Promise<Map<string, Outcome>> {
	const refused = new Map<string, Outcome>();
	try {
		await products.insertMany(documents);
	} catch (error) {
		if (!isDuplicate(error)) {
			throw error;
		}
		for (const document of documents) {
			await insertUnlessKnown(products, document).catch(async (failure) => {
				refused.set(document.sku, await refusal(products, failure, file));
			});
		}
	}
	return refused;
}

/** Inserts a document unless there is one with its SKU. @throws VARIANT_EXISTS */
async function insertUnlessKnown(products: Products, document: ProductDocument): Promise<void> {
	await writeVariant(products, document.variant_key, async () => {
		try {
			await products.insert(document);
		} catch (error) {
			if (!isDuplicate(error) || !(await products.findOne({ sku: document.sku }))) {
				throw error;
			}
		}
	});
}
