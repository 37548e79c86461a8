import { createHash } from "node:crypto";
import { convert } from "html-to-text";
import { foldedOption } from "../../contracts/options.ts";
import { shown } from "./columns.ts";
import type { Layout, RawProduct } from "./csv.ts";
import { Unreadable } from "./product.ts";
import type { Item } from "./records.ts";

/** The cells of a record by column. */
export type Cells = Record<string, string>;

/** A record of another shop's export with its lines. */
export interface Row {
	line: number;
	last_line: number;
	value: Cells;
}

/** A product of another shop in the shop's own form, a record that is rejected, or one that is left out on purpose. */
export type OtherItem =
	| { line: number; last_line: number; raw: RawProduct; warnings: string[] }
	| { line: number; reason: string; isStop?: boolean; isLeftOut?: boolean };

const DESCRIPTION_MAX = 5000;
const IMAGES_MAX = 10;
const SKU_MAX = 60;
/** Maximum number of columns that a note names. */
const NAMED_MAX = 30;
const AS_WRITTEN = { uppercase: false };
/** Category of products that have none. */
const NO_CATEGORY = "uncategorized";

/** The product export of another shop. */
export abstract class OtherShop implements Layout {
	/** Names of columns, in lower case, by what they hold. */
	protected abstract readonly aliases: Record<string, readonly string[]>;
	/** The column of each of the shop's own fields that an error is about. */
	protected abstract readonly fields: Record<string, string>;
	#columns = new Map<string, string>();
	#leftOut = new Set<string>();

	abstract refusal(columns: string[]): string | undefined;

	/** Yields the products of the records. */
	abstract products(rows: AsyncIterable<Item<Cells>>): AsyncGenerator<OtherItem>;

	isColumn(name: string): boolean {
		return Object.values(this.aliases).some((names) => names.includes(name));
	}

	/** Begins to read a file with these columns. */
	begin(columns: string[]): void {
		this.#columns.clear();
		for (const [what, names] of Object.entries(this.aliases)) {
			const name = names.find((one) => columns.includes(one));
			if (name !== undefined) {
				this.#columns.set(what, name);
			}
		}
	}

	/** Returns what the file calls a field of the shop's own format. */
	called(field: string): string {
		return this.#columns.get(this.fields[field.replace(/\..*/, "")] ?? "") ?? field;
	}

	/** Returns notices for the person who imports the file. */
	notes(): string[] {
		const names = [...this.#leftOut];
		const more = names.length > NAMED_MAX ? ", …" : "";
		return names.length > 0
			? [
					`left out the columns that Toko has no place for: ${names.slice(0, NAMED_MAX).map(shown).join(", ")}${more}`,
				]
			: [];
	}

	/** Returns what the file calls a column. */
	protected column(what: string): string {
		return this.#columns.get(what) ?? what;
	}

	/** Tells whether the file has a column. */
	protected has(what: string): boolean {
		return this.#columns.has(what);
	}

	/** Returns the cell of a column; an empty text if there is none. */
	protected cell(cells: Cells, what: string): string {
		return cells[this.#columns.get(what) ?? ""] ?? "";
	}

	/** Notes the columns of a record that are not read. */
	protected noteColumns(cells: Cells, isRead: (name: string) => boolean): void {
		for (const [name, text] of Object.entries(cells)) {
			if (text !== "" && !isRead(name)) {
				this.#leftOut.add(name);
			}
		}
	}
}

/** Converts HTML to text, shortened to the maximum length. */
export function textOf(html: string, column: string, warnings: string[]): string {
	const isHtml = /<[a-z!/]|&[a-z#\d]+;/i.test(html);
	if (/<(img|iframe|video|audio|embed|object)\b/i.test(html)) {
		warnings.push(`${column}: is taken as text; its pictures and videos are left out`);
	}
	const text = isHtml
		? convert(html, {
				wordwrap: false,
				selectors: [
					{ selector: "a", options: { ignoreHref: true } },
					{ selector: "img", format: "skip" },
					{ selector: "table", format: "dataTable", options: { uppercaseHeaderCells: false } },
					...["h1", "h2", "h3", "h4", "h5", "h6"].map((selector) => ({ selector, options: AS_WRITTEN })),
				],
			})
		: html;
	if (text.length <= DESCRIPTION_MAX) {
		return text;
	}
	warnings.push(`${column}: has ${text.length} characters, of which the first ${DESCRIPTION_MAX} are taken`);
	return text.slice(0, DESCRIPTION_MAX).replace(/[\ud800-\udbff]$/, "");
}

/**
 * Reads a number without separators of thousands; null if the cell is empty.
 *
 * @param separators Characters that separate decimals.
 */
export function decimal(text: string, separators: "." | ".,"): number | Unreadable | null {
	if (text === "") {
		return null;
	}
	const pattern = separators === "." ? /^\d+(?:\.\d+)?$/ : /^\d+(?:[.,]\d+)?$/;
	return pattern.test(text)
		? Number(text.replace(",", "."))
		: new Unreadable(
				`"${shown(text)}" is not a number as this shop writes it, such as ${separators === "." ? "92000.50" : "92000.50 or 92000,50"}, without separators of thousands`,
			);
}

/** Reads a price before a reduction: none if it is empty or 0. */
export function formerPrice(value: number | Unreadable | null): number | Unreadable | null {
	return value === 0 ? null : value;
}

/** Reads a stock. One below zero becomes 0, with a warning. */
export function stockOf(text: string, column: string, warnings: string[]): number | Unreadable {
	if (!/^-?\d+(?:\.0+)?$/.test(text)) {
		return new Unreadable(`"${shown(text)}" is not a whole number`);
	}
	const stock = Number(text);
	if (stock < 0) {
		warnings.push(`${column}: ${shown(text)} is below zero, and becomes 0`);
	}
	return Math.max(0, stock);
}

/** Warns of a product whose units are not counted. */
export function uncounted(column: string, warnings: string[]): number {
	warnings.push(`${column}: the units are not counted there, and the stock becomes 0: set it afterwards`);
	return 0;
}

/** Returns pictures without repetitions, as many as a product can have. */
export function imagesOf(urls: readonly string[], column: string, warnings: string[]): string[] {
	const different = [...new Set(urls.filter((url) => url !== ""))];
	if (different.length > IMAGES_MAX) {
		warnings.push(`${column}: has ${different.length} pictures, of which the first ${IMAGES_MAX} are taken`);
	}
	return different.slice(0, IMAGES_MAX);
}

/** Returns the category of a product; one that stands for none if it has none, with a warning. */
export function categoryOf(name: string, column: string, warnings: string[]): string {
	if (name === "") {
		warnings.push(`${column}: is empty, and becomes ${NO_CATEGORY}`);
	}
	return name || NO_CATEGORY;
}

/** Returns the last name of a path of categories such as `Pakaian > Kaos`. */
export function lastOf(path: string): string {
	return path.split(">").at(-1)?.trim() ?? "";
}

/** Returns the SKU of a product that has none: the same each time, for the same parts. */
export function derivedSku(shop: string, parts: readonly string[]): string {
	const text = `${shop}:${parts.map(foldedOption).join("/")}`;
	if (text.length <= SKU_MAX) {
		return text;
	}
	const digest = createHash("sha256").update(text).digest("base64url").slice(0, 16);
	return `${[...text.slice(0, SKU_MAX - 20)].slice(0, -1).join("")}~${digest}`;
}
