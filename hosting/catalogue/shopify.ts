import type { RawProduct } from "./csv.ts";
import {
	type Cells,
	categoryOf,
	decimal,
	derivedSku,
	formerPrice,
	imagesOf,
	lastOf,
	type OtherItem,
	OtherShop,
	type Row,
	stockOf,
	textOf,
	uncounted,
} from "./other-shop.ts";
import { Unreadable } from "./product.ts";
import type { Item } from "./records.ts";

/** Maximum number of records of a product: 2048 variants and 250 pictures. */
const ROWS_MAX = 2500;
/** Name and value of the option of a product without variants. */
const ONLY = { name: "title", value: "default title" };
const OPTIONS = [1, 2, 3] as const;
/** Units at a location, of shops with several. */
const LOCATION = /^(?:variant )?inventory(?: quantity| qty| available| on hand)? ?[:/] ?(.+)$/;

/** The fields that all variants of a product share. */
interface Shared {
	name: string;
	handle: string;
	description: string;
	category: string;
	images: string[];
	warnings: string[];
}

/**
 * Product export of Shopify, with the columns of today and those until 2024. Records of one product follow each other: the
 * first has what all variants share, the others a variant, a picture or both.
 */
export class Shopify extends OtherShop {
	protected readonly aliases = {
		handle: ["url handle", "handle"],
		title: ["title"],
		body: ["description", "body (html)", "body html"],
		type: ["type", "custom product type"],
		category: ["product category", "standardized product type"],
		published: ["published on online store", "published"],
		status: ["status"],
		...Object.fromEntries(
			OPTIONS.flatMap((number) => [
				[`name${number}`, [`option${number} name`]],
				[`value${number}`, [`option${number} value`]],
			]),
		),
		sku: ["sku", "variant sku"],
		grams: ["weight value (grams)", "variant grams"],
		tracker: ["inventory tracker", "variant inventory tracker"],
		quantity: ["inventory quantity", "variant inventory qty"],
		policy: ["continue selling when out of stock", "variant inventory policy"],
		price: ["price", "variant price"],
		former: ["compare-at price", "variant compare at price", "variant compare-at price"],
		shipping: ["requires shipping", "variant requires shipping"],
		image: ["product image url", "image src"],
		position: ["image position"],
		variant_image: ["variant image url", "variant image"],
		gift_card: ["gift card"],
	};
	protected readonly fields = {
		sku: "sku",
		name: "title",
		description: "body",
		price: "price",
		stock: "quantity",
		category: "type",
		image_urls: "image",
		compare_at_price: "former",
		weight_g: "grams",
		requires_shipping: "shipping",
		group: "handle",
		group_name: "title",
		group_description: "body",
		group_category: "type",
		options: "name1",
	};
	#locations: string[] = [];

	override begin(columns: string[]): void {
		super.begin(columns);
		this.#locations = columns.filter((name) => LOCATION.test(name) && !this.isColumn(name));
	}

	override notes(): string[] {
		if (this.#locations.length > 0) {
			return [`added up the units of the locations: ${this.#locations.join(", ")}`, ...super.notes()];
		}
		return this.has("quantity")
			? super.notes()
			: [
					"the file has no units, as Shopify leaves them out for shops with several locations: the stock of new products becomes 0",
					...super.notes(),
				];
	}

	refusal(columns: string[]): string | undefined {
		const has = (what: "handle" | "title" | "price") =>
			this.aliases[what].some((name) => columns.includes(name));
		return has("handle") && has("title") && has("price")
			? undefined
			: "the first line is not that of Shopify's product export, which names URL handle (or Handle), Title and Price (or Variant Price)";
	}

	async *products(rows: AsyncIterable<Item<Cells>>): AsyncGenerator<OtherItem> {
		let product: Row[] = [];
		for await (const item of rows) {
			if (!("value" in item)) {
				yield* this.#productOf(product);
				product = [];
				yield item;
				continue;
			}
			this.noteColumns(item.value, (name) => this.isColumn(name) || this.#locations.includes(name));
			const [first] = product;
			const isNext = first && this.cell(first.value, "handle") !== this.cell(item.value, "handle");
			if (isNext || product.length >= ROWS_MAX) {
				yield* this.#productOf(product);
				product = [];
			}
			product.push(item);
		}
		yield* this.#productOf(product);
	}

	*#productOf(rows: Row[]): Generator<OtherItem> {
		const [first, ...others] = rows;
		if (!first) {
			return;
		}
		const variants = [first, ...others.filter(({ value }) => this.#isVariant(value))];
		const leftOut = this.#leftOut(first.value);
		if (leftOut !== undefined) {
			yield* variants.map(({ line }) => ({ line, reason: leftOut, isLeftOut: true }));
			return;
		}
		const shared = this.#shared(rows);
		for (const [index, row] of variants.entries()) {
			const warnings = index === 0 ? shared.warnings : [];
			const raw = this.#variantOf(row.value, first.value, shared, warnings);
			yield { line: row.line, last_line: row.last_line, raw, warnings };
		}
	}

	/** Tells whether a record after the first has a variant, not only a picture. */
	#isVariant(cells: Cells): boolean {
		return ["price", "sku", "value1"].some((what) => this.cell(cells, what) !== "");
	}

	#leftOut(cells: Cells): string | undefined {
		const status = this.cell(cells, "status").toLowerCase();
		if (status !== "" && status !== "active") {
			return `its status is ${status}, and all products of Toko are on sale`;
		}
		if (this.cell(cells, "published").toLowerCase() === "false") {
			return "it is not published, and all products of Toko are on sale";
		}
		return this.cell(cells, "gift_card").toLowerCase() === "true" ? "it is a gift card" : undefined;
	}

	/** Returns what all variants of a product share. */
	#shared(rows: Row[]): Shared {
		const warnings: string[] = [];
		const cells = rows[0]?.value ?? {};
		const images = rows
			.map(({ value }, index) => ({
				url: this.cell(value, "image"),
				position: Number(this.cell(value, "position")) || index + 1,
			}))
			.sort((one, other) => one.position - other.position)
			.map(({ url }) => url);
		const category = this.cell(cells, "type") || lastOf(this.cell(cells, "category"));
		return {
			warnings,
			images,
			name: this.cell(cells, "title"),
			handle: this.cell(cells, "handle") || this.cell(cells, "title"),
			description: textOf(this.cell(cells, "body"), this.called("description"), warnings),
			category: categoryOf(category, this.called("category"), warnings),
		};
	}

	#variantOf(
		cells: Cells,
		first: Cells,
		{ name, handle, description, category, images }: Shared,
		warnings: string[],
	): RawProduct {
		const names = OPTIONS.map((number) => this.cell(first, `name${number}`));
		const values = OPTIONS.map((number) => this.cell(cells, `value${number}`));
		const isOnly =
			names[0]?.toLowerCase() === ONLY.name && values[0]?.toLowerCase() === ONLY.value && names[1] === "";
		const given = isOnly ? [] : names.flatMap((one, place) => (one === "" ? [] : [[one, values[place]]]));
		const isVariant = given.length > 0;
		const group = {
			group: handle,
			group_name: name,
			group_description: description,
			group_category: category,
		};
		if (/^(continue|true)$/i.test(this.cell(cells, "policy"))) {
			warnings.push(`${this.column("policy")}: Toko does not sell more than is in stock`);
		}
		return {
			sku:
				this.cell(cells, "sku") ||
				derivedSku("shopify", [handle, ...(isOnly ? [] : values.filter((value) => value !== ""))]),
			name: name || null,
			description,
			category,
			price: decimal(this.cell(cells, "price"), "."),
			compare_at_price: formerPrice(decimal(this.cell(cells, "former"), ".")),
			stock: this.#stock(cells, warnings),
			weight_g: rounded(decimal(this.cell(cells, "grams"), ".")),
			requires_shipping: this.cell(cells, "shipping").toLowerCase() !== "false",
			image_urls: imagesOf(
				[this.cell(cells, "variant_image"), ...images],
				this.called("image_urls"),
				warnings,
			),
			...(isVariant ? { ...group, options: Object.fromEntries(given) } : {}),
		};
	}

	#stock(cells: Cells, warnings: string[]): number | Unreadable {
		if (this.has("tracker") && this.cell(cells, "tracker") === "") {
			return uncounted(this.column("tracker"), warnings);
		}
		const column = this.called("stock");
		if (this.#locations.length > 0) {
			const units = this.#locations
				.map((name) => cells[name] ?? "")
				.filter((text) => /\d/.test(text))
				.map((text) => stockOf(text, column, warnings));
			const unreadable = units.find((one) => one instanceof Unreadable);
			return unreadable ?? (units as number[]).reduce((sum, one) => sum + one, 0);
		}
		const text = this.cell(cells, "quantity");
		return text === "" ? 0 : stockOf(text, column, warnings);
	}
}

function rounded(value: number | Unreadable | null): number | Unreadable | null {
	return typeof value === "number" ? Math.round(value) : value;
}
