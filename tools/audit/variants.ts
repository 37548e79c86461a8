import { hasNames, variantKey } from "../../services/products/variants.ts";
import { PagedCheckResult } from "./check.ts";
import type { CheckResult } from "./finding.ts";
import { quoted } from "./product-form.ts";
import type { Sources } from "./snapshot.ts";

/**
 * Checks that no two products on sale have the same options in a group, that the stored key, which guarantees that, is made
 * of them, and that the group exists and has these options. Memory holds the key of each variant.
 */
export async function checkVariants(sources: Sources): Promise<CheckResult[]> {
	const result = new PagedCheckResult(
		"a variant's options are unique in its group",
		"Change the options or the group of the product (`PATCH /products/{id}`); if the key alone is wrong, write the same options again.",
	);
	const groups = new Map((await sources.groups()).map((group) => [group._id, group]));
	/** Products by the key of their options. */
	const products = new Map<string, string>();
	for await (const { _id, name, group_id, options, variant_key } of sources.variants()) {
		result.checked++;
		const document = `product ${_id} (${name})`;
		const group = groups.get(group_id as string);
		if (!isOptions(options)) {
			result.add(document, `has invalid options: ${quoted(options)}`);
			continue;
		}
		const key = variantKey(group_id as string, options);
		const other = products.get(key);
		products.set(key, _id);
		if (other !== undefined) {
			result.add(document, `has the same options as product ${other} of group ${group_id}`);
		} else if (variant_key !== key) {
			result.add(document, `has a key that does not match its options: ${quoted(variant_key)}`);
		} else if (group?.leaving_since !== undefined) {
			result.in_progress++;
		} else if (!group || group.removed_at !== null) {
			result.add(document, `is a variant of group ${quoted(group_id)}, which does not exist`);
		} else if (!hasNames(options, group.options)) {
			result.add(document, `has other options than group ${group_id}: ${quoted(options)}`);
		}
	}
	return [result];
}

/** Reports whether a value that may have been edited by hand is a list of options. */
function isOptions(value: unknown): value is [string, string][] {
	return (
		Array.isArray(value) &&
		value.every(
			(option) =>
				Array.isArray(option) && option.length === 2 && option.every((part) => typeof part === "string"),
		)
	);
}
