import type { z } from "zod";
import { problem } from "../../contracts/problems.ts";
import type { newGroup, productGroup } from "../../contracts/product-schemas.ts";
import { isDuplicate } from "../../mixins/documents.ts";
import type { GroupDocument, ProductDocument } from "./documents.ts";
import { newId, ON_SALE, PRESENTED, present } from "./model.ts";
import { findGroup, type GroupStore, hasNames, VARIANTS_ONLY, variantsOf } from "./variants.ts";

// A group and its variants are documents of their own. Whoever removes a group, or changes the names of its options while
// it has no variant, first changes the group and then takes out of it what does not fit; whoever adds a variant first
// writes the product and then looks at the group again. So each sees the other, and a variant that comes at that moment
// ends up as a product of its own. `leaving_since` makes the sweeper repeat the second step of processes that died.

/** Time for which products are taken out of a group: longer than any call that adds a variant. */
const LEAVING_MS = 5 * 60_000;
/** Maximum number of groups shown to the operator. */
const GROUP_ROWS = 20;

type Changes = Partial<{ [F in keyof z.output<typeof newGroup>]: z.output<typeof newGroup>[F] | undefined }>;

/** Creates a group. With a key, returns the group that an earlier attempt of the same request has created. */
export async function createGroup(
	groups: GroupStore["groups"],
	input: z.output<typeof newGroup>,
	key_id: string | undefined,
): Promise<GroupDocument> {
	const now = new Date().toISOString();
	const made_by = key_id === undefined ? {} : { made_by: key_id };
	const document = { _id: newId(), ...made_by, ...input, created_at: now, updated_at: now, removed_at: null };
	try {
		return await groups.insert(document);
	} catch (error) {
		const first = isDuplicate(error) && (await groups.findOne(made_by));
		if (!first) {
			throw error;
		}
		return first;
	}
}

/** Converts a group to the contract's, with its products on sale. */
export async function presentGroup(
	{ products }: GroupStore,
	{ _id, name, description, category, options }: GroupDocument,
): Promise<z.input<typeof productGroup>> {
	const fields = [...PRESENTED, "removed_at"] as const;
	const variants = await products.find({ query: { group_id: _id }, sort: ["_id"], fields });
	return {
		...{ id: _id, name, description, category, options },
		variants: variants.filter(({ removed_at }) => removed_at === null).map(present),
	};
}

/**
 * Changes a group.
 *
 * @returns The products that had to leave it.
 * @throws PRODUCT_GROUP_NOT_FOUND; GROUP_HAS_VARIANTS if its options would get other names.
 */
export async function updateGroup(store: GroupStore, _id: string, changes: Changes): Promise<string[]> {
	const given = Object.fromEntries(Object.entries(changes).filter(([, value]) => value !== undefined));
	for (;;) {
		const { options } = await findGroup(store.groups, _id);
		const isRenamed =
			changes.options !== undefined &&
			changes.options.toSorted().join("\n") !== options.toSorted().join("\n");
		if (isRenamed && (await variantsOf(store.products, _id)).length > 0) {
			throw problem("GROUP_HAS_VARIANTS");
		}
		const now = new Date().toISOString();
		const changed = await store.groups.updateMany(
			{ _id, ...ON_SALE, options },
			{ $set: { ...given, updated_at: now, ...(isRenamed ? { leaving_since: now } : {}) } },
		);
		if (changed === 1) {
			return isRenamed ? takeOut(store, _id) : [];
		}
	}
}

/**
 * Removes a group. Its variants stay as products of their own.
 *
 * @param key_id Id of the request, whose repetition has no effect.
 * @returns The products that were its variants.
 * @throws PRODUCT_GROUP_NOT_FOUND
 */
export async function removeGroup(
	store: GroupStore,
	_id: string,
	key_id: string | undefined,
): Promise<string[]> {
	const removed_by = key_id ?? null;
	const now = new Date().toISOString();
	const changed = await store.groups.updateMany(
		{ _id, ...ON_SALE },
		{ $set: { removed_at: now, removed_by, updated_at: now, leaving_since: now } },
	);
	const isRepeated = removed_by !== null && (await store.groups.findOne({ _id, removed_by })) !== null;
	if (changed === 0 && !isRepeated) {
		throw problem("PRODUCT_GROUP_NOT_FOUND");
	}
	return takeOut(store, _id);
}

/**
 * Takes products out of a group that was removed or has options of other names. Their own options stay.
 *
 * @param only The product to look at; all of the group by default.
 * @returns The products that left.
 */
export async function takeOut(
	{ products, groups }: GroupStore,
	group_id: string,
	only?: string,
): Promise<string[]> {
	const query = only === undefined ? { group_id } : { _id: only, group_id };
	const found = await products.find({ query, fields: ["options", "variant_key"] });
	// Read after the products: a variant that came before the group was changed does not fit.
	const group = await groups.findOne({ _id: group_id, ...ON_SALE });
	const leaving = found.filter(({ options }) => !group || !hasNames(options, group.options));
	const left: string[] = [];
	for (const { _id, variant_key = { $exists: false } } of leaving) {
		const changed = await products.updateMany(
			{ _id, group_id, variant_key },
			{ $set: { updated_at: new Date().toISOString() }, $unset: VARIANTS_ONLY },
		);
		left.push(...(changed > 0 ? [_id] : []));
	}
	return left;
}

/**
 * Takes a product out of the group that it was just added to, if the group was removed or changed meanwhile. Returns true if
 * the product is in the group.
 */
export async function staysInGroup(
	store: GroupStore,
	{ _id, group_id }: Pick<ProductDocument, "_id" | "group_id">,
): Promise<boolean> {
	if (!group_id) {
		return false;
	}
	await takeOut(store, group_id, _id);
	return (await store.products.count({ query: { _id, group_id } })) > 0;
}

/** Repeats the second step of removals and changes of groups, of processes that may have died. Returns what left. */
export async function sweepGroups(store: GroupStore, now = Date.now()): Promise<string[]> {
	const left: string[] = [];
	const found = await store.groups.find({
		query: { leaving_since: { $gt: "" } },
		fields: ["leaving_since"],
	});
	for (const { _id, leaving_since } of found) {
		left.push(...(await takeOut(store, _id)));
		if (Date.parse(leaving_since as string) < now - LEAVING_MS) {
			await store.groups.updateMany({ _id, leaving_since }, { $unset: { leaving_since: true } });
		}
	}
	return left;
}

/** Returns groups by id or a part of the name for the operator; without a text, the newest. */
export async function groupRows({ products, groups }: GroupStore, text: string | undefined) {
	const name = text && new RegExp(text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"), "i");
	const query = { ...ON_SALE, ...(name ? { $or: [{ _id: text }, { name }] } : {}) };
	const found = await groups.find({ query, sort: ["-created_at"], limit: GROUP_ROWS });
	return Promise.all(
		found.map(async ({ _id, name, options }) => {
			const variants = await variantsOf(products, _id);
			const stock = variants.reduce((sum, variant) => sum + variant.stock, 0);
			return { id: _id, name, options, variants: variants.length, stock };
		}),
	);
}
