import { COLUMNS, type Column, OPTION } from "../../hosting/catalogue/columns.ts";
import { StartError } from "../../infra/start-error.ts";
import type { GroupDocument } from "../../services/products/documents.ts";
import { present } from "../../services/products/model.ts";
import { type Cell, csvLine, ndjsonLine } from "./csv.ts";
import type { ExportFormat, Part, Period } from "./period.ts";
import type { ExportedProduct, ProductPage, ProductSource } from "./product-source.ts";

/** Columns of the shop's own catalogue format; `image_urls` has the first picture too. */
const EXPORTED = COLUMNS.filter((name) => name !== "image_url");

/**
 * Yields the products on sale, in the form in which an import reads them, oldest first.
 *
 * @throws StartError if a product gets an option meanwhile for which the file has no column.
 */
export async function* exportProducts(
	source: ProductSource,
	format: ExportFormat,
	period: Period,
): AsyncGenerator<Part> {
	const names = format === "csv" ? await optionNames(source, period) : [];
	if (format === "csv") {
		yield { text: csvLine([...EXPORTED, ...names.map((name) => `${OPTION}${name}`)]), count: 0 };
	}
	for await (const { products, groups } of source.pages()) {
		const lines = within(products, period).map((product) => {
			const { options, ...fields } = fieldsOf(product, groups);
			return format === "ndjson"
				? ndjsonLine({ ...fields, options })
				: csvLine([...cellsOf(fields), ...valuesOf(options, names)]);
		});
		yield { text: lines.join(""), count: lines.length };
	}
}

/** Returns the names of all options, in the order in which they first appear. */
async function optionNames(source: ProductSource, period: Period): Promise<string[]> {
	const names = new Set<string>();
	for await (const { products } of source.pages()) {
		for (const { options } of within(products, period)) {
			for (const [name] of options ?? []) {
				names.add(name);
			}
		}
	}
	return [...names];
}

function within(products: ProductPage["products"], { from = "", to }: Period): ExportedProduct[] {
	return products.filter(({ created_at }) => created_at >= from && (to === undefined || created_at < to));
}

function fieldsOf(product: ExportedProduct, groups: ReadonlyMap<string, GroupDocument>) {
	const { name, description, price, stock, category, image_urls, options, ...more } = present(product);
	const { compare_at_price, weight_g, requires_shipping } = more;
	const group = groups.get(product.group_id ?? "");
	return {
		...{ sku: product.sku, name, description, price, stock, category, image_urls },
		...{ compare_at_price, weight_g, requires_shipping },
		group: group ? (group.key ?? group._id) : null,
		...(group && {
			group_name: group.name,
			group_description: group.description,
			group_category: group.category,
		}),
		options,
	};
}

function cellsOf(fields: Partial<Record<Column, Cell | string[]>>): Cell[] {
	return EXPORTED.map((name) => {
		const value = fields[name] ?? null;
		return Array.isArray(value) ? value.join(" ") : value;
	});
}

function valuesOf(options: Record<string, string> | null, names: string[]): Cell[] {
	const values = new Map(Object.entries(options ?? {}));
	const unknown = [...values.keys()].find((name) => !names.includes(name));
	if (unknown !== undefined) {
		throw new StartError(`a product got the option ${unknown} during the export: run it again`);
	}
	return names.map((name) => values.get(name) ?? null);
}
