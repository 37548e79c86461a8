import { createHash } from "node:crypto";
import { foldedOption } from "../../contracts/options.ts";
import { problem } from "../../contracts/problems.ts";
import type { DocumentAdapter } from "../../database/document-store.ts";
import { isDuplicate } from "../../mixins/documents.ts";
import type { GroupDocument, Option, ProductDocument } from "./documents.ts";

// A variant is a product with a group and a value for each of the group's options. Its `variant_key` is made of both, and
// has a unique index: of concurrent writes, in any process, one succeeds. The key of a removed product is released by the
// next write that needs it, since processes of an earlier version remove products too and know no key.

/** The products and the groups of variants. */
export interface GroupStore {
	products: DocumentAdapter<ProductDocument>;
	groups: DocumentAdapter<GroupDocument>;
}

/** Fields of a product that make it a variant. They are written together. */
export type VariantFields = Pick<ProductDocument, "group_id" | "options" | "variant_key">;

/** Fields that only variants have: without them, a product is not in the indexes of variants. For `$unset`. */
export const VARIANTS_ONLY = { group_id: true, variant_key: true };

/** Maximum number of variants of a group, so that a group fits into one message. */
export const VARIANTS_MAX = 200;

/** Returns the key of a variant: equal for options that differ only in case, order, or the form of Unicode. */
export function variantKey(group_id: string, options: readonly Option[]): string {
	const folded = options.map((option) => option.map(foldedOption));
	const sorted = folded.sort(([one = ""], [other = ""]) => (one < other ? -1 : 1));
	return `${group_id} ${createHash("sha256").update(JSON.stringify(sorted)).digest("base64url")}`;
}

/** Tells whether the options have exactly these names, in any order. */
export function hasNames(options: readonly Option[] | null | undefined, names: readonly string[]): boolean {
	return options?.length === names.length && options.every(([name]) => names.includes(name));
}

/**
 * Returns the variant fields of a product with given changes; undefined if they change none. In a group, options get the
 * names and the order of the group.
 *
 * @param product Undefined for a new one.
 * @throws PRODUCT_GROUP_NOT_FOUND; VALIDATION_FAILED if the options are not those of the group, or the group is full.
 */
export async function variantAfter(
	{ products, groups }: GroupStore,
	changes: { group_id?: string | null | undefined; options?: Record<string, string> | null | undefined },
	product?: Pick<ProductDocument, "group_id" | "options">,
): Promise<VariantFields | undefined> {
	if (changes.group_id === undefined && changes.options === undefined) {
		return undefined;
	}
	const group_id = changes.group_id === undefined ? (product?.group_id ?? null) : changes.group_id;
	const options =
		changes.options === undefined
			? (product?.options ?? null)
			: changes.options && Object.entries(changes.options);
	if (group_id === null) {
		return { group_id, options };
	}
	const group = await findGroup(groups, group_id);
	const fitting = fittingOptions(group, options);
	if (!fitting) {
		throw invalid("options", `must have the options of the group: ${group.options.join(", ")}`);
	}
	const isNew = product?.group_id !== group_id;
	if (isNew && (await variantsOf(products, group_id)).length >= VARIANTS_MAX) {
		throw invalid("group_id", `must be another group: this one has ${VARIANTS_MAX} variants`);
	}
	return { group_id, options: fitting, variant_key: variantKey(group_id, fitting) };
}

/**
 * Returns options with the names and the order of the group's; undefined if they have others. Names are compared like
 * values.
 */
export function fittingOptions(
	group: Pick<GroupDocument, "options">,
	options: readonly Option[] | null | undefined,
): Option[] | undefined {
	const values = new Map(options?.map(([name, value]) => [foldedOption(name), value]));
	const fitting = group.options.flatMap((name): Option[] => {
		const value = values.get(foldedOption(name));
		return value === undefined ? [] : [[name, value]];
	});
	const isFitting = fitting.length === group.options.length && values.size === fitting.length;
	return isFitting ? fitting : undefined;
}

/** Returns a group. @throws PRODUCT_GROUP_NOT_FOUND */
export async function findGroup(groups: GroupStore["groups"], _id: string): Promise<GroupDocument> {
	const group = await groups.findOne({ _id, removed_at: null });
	if (!group) {
		throw problem("PRODUCT_GROUP_NOT_FOUND");
	}
	return group;
}

/** Returns the ids, options and stock of a group's products on sale, in the order in which they came. */
export async function variantsOf(products: GroupStore["products"], group_id: string) {
	const found = await products.find({
		query: { group_id },
		...{ sort: ["_id"], fields: ["options", "stock", "removed_at"] as const },
	});
	return found.filter(({ removed_at }) => removed_at === null);
}

/**
 * Writes a variant, once no removed product has its key.
 *
 * @throws VARIANT_EXISTS if another product has these options in the group.
 */
export async function writeVariant<T>(
	products: GroupStore["products"],
	variant_key: string | undefined,
	write: () => Promise<T>,
): Promise<T> {
	for (;;) {
		try {
			return await write();
		} catch (error) {
			if (variant_key === undefined || !isDuplicate(error)) {
				throw error;
			}
			const existing = await products.findOne({ variant_key });
			if (existing?.removed_at === null) {
				throw problem("VARIANT_EXISTS", { product_id: existing._id });
			}
			const query = { variant_key, removed_at: { $ne: null } };
			await products.updateMany(query, { $unset: { variant_key: true } });
		}
	}
}

function invalid(path: string, message: string) {
	return problem("VALIDATION_FAILED", { errors: [{ path, message }] });
}
