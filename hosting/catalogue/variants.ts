import { foldedOption } from "../../contracts/options.ts";
import { shown } from "./columns.ts";
import type { CatalogueLine } from "./product.ts";

interface SeenGroup {
	line: number;
	names: string[];
	/** The details of the group, each with the first line that gives it. */
	details: Map<string, [value: string, line: number]>;
}

const DETAILS = ["group_name", "group_description", "group_category"] as const;

/**
 * Compares the lines of each group in a file: they have the same option names, say the same about the group, and no two are the
 * same variant. Memory grows with the groups and variants, not with other products.
 */
export class VariantLines {
	#groups = new Map<string, SeenGroup>();
	#variants = new Map<string, { line: number; sku: string }>();

	/** Notes a line. Returns the reason why it contradicts an earlier one, if it does. */
	refusal(line: number, { sku, group, options, ...fields }: CatalogueLine): string | undefined {
		if (typeof group !== "string" || !options) {
			return undefined;
		}
		const names = Object.keys(options);
		const seen = this.#groups.get(group) ?? { line, names, details: new Map() };
		if (folded(names).join("\n") !== folded(seen.names).join("\n")) {
			return `options: the group ${shown(group)} has the options ${named(seen.names)} in line ${seen.line}, and ${named(names)} here`;
		}
		for (const field of DETAILS) {
			const value = fields[field];
			const [first, first_line] = seen.details.get(field) ?? [];
			if (value !== undefined && first !== undefined && value !== first) {
				return `${field}: line ${first_line} says ${JSON.stringify(shown(first))} of this group`;
			}
		}
		const pairs = Object.entries(options).map((pair) => JSON.stringify(pair.map(foldedOption)));
		const variant = JSON.stringify([group, ...pairs.sort()]);
		const same = this.#variants.get(variant);
		// A repeated SKU is refused for that.
		if (same && same.sku !== sku) {
			return `options: is the same variant of the group ${shown(group)} as line ${same.line}`;
		}
		this.#variants.set(variant, same ?? { line, sku });
		this.#groups.set(group, seen);
		for (const field of DETAILS) {
			const value = fields[field];
			if (value !== undefined && !seen.details.has(field)) {
				seen.details.set(field, [value, line]);
			}
		}
		return undefined;
	}
}

function folded(texts: string[]): string[] {
	return texts.map(foldedOption).sort();
}

function named(names: string[]): string {
	return names.map(shown).join(", ");
}
