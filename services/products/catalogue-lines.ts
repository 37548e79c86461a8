import type { z } from "zod";
import { type catalogueOutcome, neededOfNew } from "../../contracts/product-schemas.ts";
import type { GroupsOfLines, Line } from "./catalogue-groups.ts";
import { groupsOfLines } from "./catalogue-groups.ts";
import type { GroupDocument, Option, ProductDocument } from "./documents.ts";
import { newDocument, present, updateOf } from "./model.ts";
import { fittingOptions, type GroupStore, VARIANTS_MAX, type VariantFields, variantKey } from "./variants.ts";

export type Outcome = z.input<typeof catalogueOutcome>;
type Refused = { refused: string };
type Missing = Extract<Outcome, { missing: unknown }>;
type Variant = Pick<ProductDocument, "_id" | "sku" | "group_id" | "variant_key" | "described_by">;

/** The stored products and groups that the lines of a catalogue name. */
export interface Known {
	/** By SKU; removed products are among them. */
	products: Map<string, ProductDocument>;
	groups: GroupsOfLines;
	/** Products on sale in these groups, by SKU. */
	variants: Map<string, Variant>;
}

/** Fields that a line can change, as they are compared and shown. */
const COMPARED = [
	"name",
	"description",
	"price",
	"category",
	"image_urls",
	"group_id",
	"options",
	"weight_g",
	"requires_shipping",
	"compare_at_price",
] as const;

/** Reads what the store knows about lines. */
export async function readKnown(store: GroupStore, lines: Line[]): Promise<Known> {
	const skus = [...new Set(lines.map((line) => line.sku))];
	const found = await store.products.find({ query: { sku: { $in: skus } } });
	const products = new Map(found.map((product) => [product.sku, product]));
	const groups = await groupsOfLines(store.groups, lines, products, (line) => {
		const product = products.get(line.sku);
		return product ? product.removed_at === null : missingIn(line) === undefined;
	});
	return { products, groups, variants: new Map() };
}

/** Reads the variants of the groups, once these exist. */
export async function readVariants(store: GroupStore, known: Known): Promise<void> {
	const ids = [...known.groups.byId.keys()];
	if (ids.length > 0) {
		const fields = ["sku", "group_id", "variant_key", "described_by", "removed_at"] as const;
		const found = await store.products.find({ query: { group_id: { $in: ids } }, fields });
		known.variants = new Map(
			found.filter(({ removed_at }) => removed_at === null).map((variant) => [variant.sku, variant]),
		);
	}
}

/** Returns what a line lacks to be a new product; undefined if nothing. */
function missingIn(line: Line): Missing | undefined {
	const missing = neededOfNew.options.filter((field) => line[field] === undefined);
	return missing.length > 0 ? { missing } : undefined;
}

/** Returns the document of the new product that a line describes, or the reason why it is none. */
export function documentOf(
	known: Known,
	line: Line,
	described_by: NonNullable<ProductDocument["described_by"]>,
): ProductDocument | Missing | Refused {
	const missing = missingIn(line);
	if (missing) {
		return missing;
	}
	const variant = variantIn(known, line, undefined);
	if (variant && "refused" in variant) {
		return variant;
	}
	const { name, description, price, stock, category, ...more } = changesIn(line);
	const needed = { name, price, stock: line.stock, category } as Required<
		Pick<Line, "name" | "price" | "stock" | "category">
	>;
	return newDocument(
		{ ...more, ...needed, description: description ?? "" },
		line.sku,
		described_by,
		variant ?? {},
	);
}

/** Returns the update of a product that a line makes, and what it changes, or the reason why it is refused. */
export function updateIn(known: Known, line: Line, product: ProductDocument) {
	const variant = variantIn(known, line, product);
	if (variant && "refused" in variant) {
		return variant;
	}
	const { stock, ...changes } = changesIn(line);
	const { query, update } = updateOf(product, changes, variant);
	return {
		query,
		update,
		variant,
		// `$set` does not say that the product leaves its group.
		changes: changesBetween(product, { ...product, ...update.$set, ...variant }),
	};
}

/** Returns the variant of a group that has the same options as another product is to get; undefined if there is none. */
export function sameVariant(known: Known, sku: string, variant_key: string | undefined): Variant | undefined {
	return variant_key === undefined
		? undefined
		: [...known.variants.values()].find((other) => other.variant_key === variant_key && other.sku !== sku);
}

/** Returns the reason why a line cannot be the same variant as another product. */
export function sameVariantAs(
	{ sku, described_by }: Pick<ProductDocument, "sku" | "described_by">,
	file?: string,
): Refused {
	const where = described_by && described_by.file === file ? ` of line ${described_by.line}` : "";
	return { refused: `options: ${sku}${where} is the same variant of this group` };
}

/** Returns the changes of a line, without the stock of known products and what is about the group. */
function changesIn(line: Line) {
	const { sku, line: _, options, group, group_name, group_description, group_category, ...fields } = line;
	return { ...fields, ...(fields.description === null ? { description: "" } : {}) } as Omit<
		typeof fields,
		"description"
	> & { description?: string };
}

/** Returns the group and the options of a product after a line; undefined if it gives none. */
function variantIn(
	{ groups, variants }: Known,
	line: Line,
	product: ProductDocument | undefined,
): VariantFields | Refused | undefined {
	if (line.group === undefined && line.options === undefined) {
		return undefined;
	}
	const options: Option[] | null =
		line.options === undefined ? (product?.options ?? null) : line.options && Object.entries(line.options);
	const group = groupIn(groups, line, product);
	if (group === undefined) {
		return { group_id: null, options };
	}
	if (typeof group === "string") {
		return { refused: group };
	}
	const fitting = fittingOptions(group, options);
	if (!fitting) {
		const given = options?.map(([name]) => name).join(", ") || "none";
		return { refused: `options: must be those of the group: ${group.options.join(", ")}; given: ${given}` };
	}
	if (product?.group_id !== group._id) {
		const size = [...variants.values()].filter(({ group_id }) => group_id === group._id).length;
		if (size >= VARIANTS_MAX) {
			return { refused: `group: has ${VARIANTS_MAX} variants already, and no group can have more` };
		}
	}
	return { group_id: group._id, options: fitting, variant_key: variantKey(group._id, fitting) };
}

/** Returns the group of a product after a line, or the reason why there is none; undefined for a product by itself. */
function groupIn(
	groups: GroupsOfLines,
	line: Line,
	product: ProductDocument | undefined,
): GroupDocument | string | undefined {
	if (line.group === null) {
		return undefined;
	}
	if (line.group === undefined) {
		return groups.byId.get(product?.group_id ?? "");
	}
	return (
		groups.named.get(line.group) ?? "options: must be there, since a variant differs in them from others"
	);
}

/** A field with its values before and after. */
export type Change = [field: (typeof COMPARED)[number], from: unknown, to: unknown];

function changesBetween(before: ProductDocument, after: ProductDocument): Change[] {
	const [from, to] = [present(before), present(after)];
	return COMPARED.filter((field) => comparedForm(from[field]) !== comparedForm(to[field])).map((field) => [
		field,
		from[field],
		to[field],
	]);
}

/** Options are compared in any order. */
function comparedForm(value: unknown): string {
	const isOptions = typeof value === "object" && value !== null && !Array.isArray(value);
	return JSON.stringify(isOptions ? Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)) : value);
}
