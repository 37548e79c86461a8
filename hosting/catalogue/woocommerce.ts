import { shown } from "./columns.ts";
import type { RawProduct } from "./csv.ts";
import {
	type Cells,
	categoryOf,
	decimal,
	derivedSku,
	imagesOf,
	lastOf,
	type OtherItem,
	OtherShop,
	type Row,
	stockOf,
	textOf,
	uncounted,
} from "./other-shop.ts";
import type { Unreadable } from "./product.ts";
import type { Item } from "./records.ts";

/** Grams of the units of weight that a shop can be set to. */
const GRAMS: Record<string, number> = { kg: 1000, g: 1, lbs: 453.59237, oz: 28.349523125 };
const WEIGHTS = Object.keys(GRAMS).map((unit) => `weight (${unit})`);
const ATTRIBUTE = /^attribute (\d+) (name|value\(s\))$/;

/** A product with variations: what they share. */
interface Parent {
	key: string;
	name: string;
	description: string;
	category: string;
	images: string[];
	weight: string;
	/** Names of its attributes, also those in which its variations do not differ. */
	attributes: string[];
	left_out: string | undefined;
	/** Warnings that no variation has reported yet. */
	warnings: string[];
}

/**
 * Product export of WooCommerce in English. Records of variations name their product, which may be anywhere in the file: the
 * first reading finds all of them. Memory grows with the number of products that have variations.
 */
export class WooCommerce extends OtherShop {
	protected readonly aliases = {
		id: ["id"],
		type: ["type"],
		sku: ["sku"],
		name: ["name"],
		published: ["published"],
		short: ["short description"],
		description: ["description"],
		sale_starts: ["date sale price starts"],
		sale_ends: ["date sale price ends"],
		in_stock: ["in stock?"],
		stock: ["stock"],
		backorders: ["backorders allowed?"],
		weight: WEIGHTS,
		sale: ["sale price"],
		regular: ["regular price"],
		categories: ["categories"],
		images: ["images"],
		parent: ["parent"],
	};
	protected readonly fields = {
		sku: "sku",
		name: "name",
		description: "description",
		price: "regular",
		stock: "stock",
		category: "categories",
		image_urls: "images",
		compare_at_price: "regular",
		weight_g: "weight",
		group: "parent",
		group_name: "name",
		group_description: "description",
		group_category: "categories",
		options: "parent",
	};
	/** By `id:ID`, and by SKU. */
	#parents = new Map<string, Parent>();

	refusal(columns: string[]): string | undefined {
		const needed = ["type", "name", "regular price"];
		return needed.every((name) => columns.includes(name)) &&
			(columns.includes("id") || columns.includes("sku"))
			? undefined
			: "the first line is not that of WooCommerce's product export in English, which names ID, Type, SKU, Name and Regular price: set the language of your user to English, and export again";
	}

	async *products(rows: AsyncIterable<Item<Cells>>): AsyncGenerator<OtherItem> {
		for await (const item of rows) {
			if (!("value" in item)) {
				yield item;
				continue;
			}
			this.noteColumns(item.value, (name) => this.isColumn(name) || ATTRIBUTE.test(name));
			yield* this.#product(item);
		}
	}

	*#product({ line, last_line, value: cells }: Row): Generator<OtherItem> {
		const types = this.cell(cells, "type").toLowerCase().split(/,\s*/);
		if (types.includes("variable")) {
			this.#noteParent(cells);
			return;
		}
		const other = types.find((type) => !["simple", "variation", "virtual", "downloadable"].includes(type));
		if (other !== undefined) {
			const reason = `type: there are no products of the type ${shown(other) || '""'} in Toko`;
			yield { line, reason, isLeftOut: true };
			return;
		}
		const isVariation = types.includes("variation");
		const parent = isVariation ? this.#parents.get(this.cell(cells, "parent")) : undefined;
		if (isVariation && !parent) {
			yield {
				line,
				reason: `parent: ${shown(this.cell(cells, "parent")) || '""'} is not a variable product of this file`,
			};
			return;
		}
		const left_out = parent?.left_out ?? this.#leftOut(cells);
		if (left_out !== undefined) {
			yield { line, reason: left_out, isLeftOut: true };
			return;
		}
		const warnings = parent?.warnings.splice(0) ?? [];
		const attributes = attributesOf(cells);
		const shared = parent
			? this.#variationOf(parent, attributes, warnings)
			: this.#simple(cells, attributes, warnings);
		if ("reason" in shared) {
			yield { line, reason: shared.reason as string };
			return;
		}
		if (types.includes("downloadable")) {
			warnings.push("type: downloads are left out");
		}
		const { images, weight, ...rest } = shared;
		const raw = {
			sku:
				this.cell(cells, "sku") ||
				(this.cell(cells, "id") === "" ? null : derivedSku("woocommerce", [this.cell(cells, "id")])),
			...rest,
			...this.#prices(cells, warnings),
			stock: this.#stock(cells, warnings),
			weight_g: this.#grams(this.cell(cells, "weight") || weight),
			requires_shipping: !types.includes("virtual"),
			image_urls: imagesOf([...this.#images(cells), ...images], "images", warnings),
		};
		yield { line, last_line, raw, warnings };
	}

	#noteParent(cells: Cells): void {
		const warnings: string[] = [];
		const id = this.cell(cells, "id");
		const sku = this.cell(cells, "sku");
		const parent: Parent = {
			key: sku || derivedSku("woocommerce", [id]),
			...this.#described(cells, warnings),
			images: this.#images(cells),
			weight: this.cell(cells, "weight"),
			attributes: attributesOf(cells).map(([name]) => name),
			left_out: this.#leftOut(cells),
			warnings,
		};
		for (const name of [id && `id:${id}`, sku].filter((one) => one !== "")) {
			this.#parents.set(name, parent);
		}
	}

	#leftOut(cells: Cells): string | undefined {
		const published = this.cell(cells, "published");
		return published === "" || published === "1"
			? undefined
			: "it is not published, and all products of Toko are on sale";
	}

	#described(cells: Cells, warnings: string[]) {
		const texts = [this.cell(cells, "short"), this.cell(cells, "description")]
			.map(lineBreaks)
			.filter((text) => text !== "");
		const [category = "", ...others] = this.cell(cells, "categories")
			.split(/(?<!\\),\s*/)
			.map((path) => lastOf(path.replace(/\\,/g, ",")));
		if (others.length > 0) {
			warnings.push(`categories: a product of Toko has one, ${category}; left out ${others.join(", ")}`);
		}
		return {
			name: this.cell(cells, "name"),
			description: textOf(texts.join("\n\n"), "description", warnings),
			category: categoryOf(category, "categories", warnings),
		};
	}

	#simple(cells: Cells, attributes: [string, string][], warnings: string[]) {
		warnings.push(...attributes.map(([name]) => `attribute ${name}: is left out`));
		const { name, ...described } = this.#described(cells, warnings);
		return { ...described, name: name || null, images: [], weight: "" };
	}

	#variationOf(parent: Parent, attributes: [string, string][], warnings: string[]) {
		const any = attributes.find(([, value]) => value === "");
		if (any) {
			return {
				reason: `attribute ${any[0]}: is empty, which stands for any value: Toko needs a variation for each`,
			};
		}
		const names = attributes.map(([name]) => name);
		const others = parent.attributes.filter((name) => !names.includes(name));
		warnings.push(...others.map((name) => `attribute ${name}: is left out`));
		// So that only the first variation reports them.
		parent.attributes = names;
		const { key, name, description, category, images, weight } = parent;
		return {
			...{ name: name || null, description, category, images, weight },
			...{ group: key, group_name: name, group_description: description, group_category: category },
			options: Object.fromEntries(attributes),
		};
	}

	/** Returns the price, and the regular one during a sale. */
	#prices(cells: Cells, warnings: string[]): RawProduct {
		const regular = decimal(this.cell(cells, "regular"), ".,");
		const sale = decimal(this.cell(cells, "sale"), ".,");
		if (sale === null) {
			return { price: regular, compare_at_price: null };
		}
		const [starts, ends] = [this.cell(cells, "sale_starts"), this.cell(cells, "sale_ends")];
		if (!isOn(starts, ends)) {
			warnings.push("sale price: its time is not now: the price is the regular one");
			return { price: regular, compare_at_price: null };
		}
		if (starts !== "" || ends !== "") {
			warnings.push("sale price: has a time, which Toko does not know: it is the price from now on");
		}
		return { price: sale, compare_at_price: regular };
	}

	#stock(cells: Cells, warnings: string[]): number | Unreadable {
		if (!["", "0"].includes(this.cell(cells, "backorders"))) {
			warnings.push("backorders allowed?: Toko does not sell more than is in stock");
		}
		const text = this.cell(cells, "stock");
		if (text === "parent") {
			warnings.push("stock: its variations share it there, and it becomes 0: set it afterwards");
			return 0;
		}
		if (text !== "") {
			return stockOf(text, "stock", warnings);
		}
		return this.cell(cells, "in_stock") === "0" ? 0 : uncounted("stock", warnings);
	}

	#grams(text: string): number | Unreadable | null {
		const [, unit = "kg"] = /\((\w+)\)/.exec(this.called("weight_g")) ?? [];
		const weight = decimal(text, ".,");
		return typeof weight === "number" ? Math.round(weight * (GRAMS[unit] as number)) : weight;
	}

	#images(cells: Cells): string[] {
		return this.cell(cells, "images").split(/,\s+/);
	}
}

/** Returns the names and values of a record's attributes. */
function attributesOf(cells: Cells): [name: string, value: string][] {
	return Object.entries(cells).flatMap(([column, name]): [string, string][] => {
		const [, number, part] = ATTRIBUTE.exec(column) ?? [];
		return part === "name" && name !== ""
			? [[name, (cells[`attribute ${number} value(s)`] ?? "").replace(/\\,/g, ",")]]
			: [];
	});
}

/** Restores line breaks, which the export writes as `\n`. */
function lineBreaks(text: string): string {
	return text.replace(/\\(\\n|n)/g, (_, what: string) => (what === "n" ? "\n" : "\\n"));
}

/** Tells whether a sale is on now. The file does not name the time zone of its days; what is no time is no limit. */
function isOn(starts: string, ends: string): boolean {
	const [first, last] = [Date.parse(starts), Date.parse(ends.replace(/^\d{4}-\d\d-\d\d$/, "$&T23:59:59Z"))];
	const now = Date.now();
	return !(first > now) && !(last < now);
}
