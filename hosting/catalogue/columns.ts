import { comparable } from "../../contracts/text.ts";

/** Columns of a catalogue file. In addition there is `option:NAME` for each option. */
export const COLUMNS = [
	"sku",
	"name",
	"description",
	"price",
	"stock",
	"category",
	"image_url",
	"image_urls",
	"compare_at_price",
	"weight_g",
	"requires_shipping",
	"group",
	"group_name",
	"group_description",
	"group_category",
] as const;

/** Columns of numbers. */
export const NUMBER_COLUMNS = ["price", "stock", "weight_g", "compare_at_price"] as const;

export type Column = (typeof COLUMNS)[number];
export type NumberColumnName = (typeof NUMBER_COLUMNS)[number];
/** A column of values of an option. */
export type OptionColumn = `${typeof OPTION}${string}`;

/** Beginning of the name of a column of an option. */
export const OPTION = "option:";
/** The field of NDJSON that has all options. */
export const OPTIONS = "options";

/** Column names in Indonesian price lists. */
const INDONESIAN: Record<string, Column> = {
	kode: "sku",
	nama: "name",
	keterangan: "description",
	deskripsi: "description",
	harga: "price",
	stok: "stock",
	kategori: "category",
	gambar: "image_url",
	berat: "weight_g",
	grup: "group",
};

const SHOWN_MAX = 40;
/** Maximum number of unknown columns in a message. */
const NAMED_MAX = 20;

export function isColumn(name: string): name is Column | OptionColumn {
	return (COLUMNS as readonly string[]).includes(name) || isOptionColumn(name);
}

export function isOptionColumn(name: string): name is OptionColumn {
	return name.startsWith(OPTION) && name.length > OPTION.length;
}

export function isNumberColumn(column: string): column is NumberColumnName {
	return (NUMBER_COLUMNS as readonly string[]).includes(column);
}

/** Returns the name of a column as it is compared: in lower case, but the name of an option as it is written. */
export function columnName(text: string): string {
	const [, option] = /^[\s\p{Cf}]*option\s*:(.*)$/isu.exec(text) ?? [];
	if (option !== undefined) {
		return `${OPTION}${comparable(option)}`;
	}
	return text
		.normalize("NFC")
		.replace(/\p{Cf}/gu, "")
		.trim()
		.toLowerCase();
}

/** Returns text of the file for a message: shortened, and without control characters. */
export function shown(text: string): string {
	const visible = text.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, "�");
	return visible.length > SHOWN_MAX ? `${visible.slice(0, SHOWN_MAX)}…` : visible;
}

/** Collects unknown columns or fields, each with the first line that has it. */
export class UnknownColumns {
	#lines = new Map<string, number>();
	#isMore = false;

	add(name: string, line: number): void {
		const key = shown(name);
		if (this.#lines.size < NAMED_MAX) {
			this.#lines.set(key, this.#lines.get(key) ?? line);
		} else if (!this.#lines.has(key)) {
			this.#isMore = true;
		}
	}

	get isEmpty(): boolean {
		return this.#lines.size === 0;
	}

	/** Returns the names, each with the known column that it resembles. */
	toString(): string {
		const names = [...this.#lines].map(([name, line]) => {
			const meant = columnLike(name);
			const hints = [...(line > 1 ? [`line ${line}`] : []), ...(meant ? [`${meant}?`] : [])];
			return `${name || '""'}${hints.length > 0 ? ` (${hints.join(", ")})` : ""}`;
		});
		return [...names, ...(this.#isMore ? ["…"] : [])].join(", ");
	}
}

/** Returns the column that a name resembles: one starts with the other, or one or two letters differ. */
function columnLike(name: string): Column | undefined {
	const plain = name.trim().toLowerCase();
	if (plain.length < 3) {
		return undefined;
	}
	return (
		(Object.hasOwn(INDONESIAN, plain) ? INDONESIAN[plain] : undefined) ??
		COLUMNS.find((column) => column.startsWith(plain) || plain.startsWith(column)) ??
		COLUMNS.find((column) => distance(plain, column) <= (column.length > 6 ? 2 : 1))
	);
}

/** Returns the Levenshtein distance: the number of letters to add, drop or change. */
function distance(from: string, to: string): number {
	let previous = Array.from({ length: to.length + 1 }, (_, index) => index);
	for (let row = 1; row <= from.length; row++) {
		const current = [row];
		for (let column = 1; column <= to.length; column++) {
			const changed = (previous[column - 1] ?? 0) + (from[row - 1] === to[column - 1] ? 0 : 1);
			current[column] = Math.min(changed, (previous[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1);
		}
		previous = current;
	}
	return previous[to.length] ?? 0;
}
