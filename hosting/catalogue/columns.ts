/** Columns of a catalogue file. */
export const COLUMNS = ["sku", "name", "description", "price", "stock", "category", "image_url"] as const;

export type Column = (typeof COLUMNS)[number];

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
};

const SHOWN_MAX = 40;
/** Maximum number of unknown columns in a message. */
const NAMED_MAX = 20;

export function isColumn(name: string): name is Column {
	return (COLUMNS as readonly string[]).includes(name);
}

export function isNumberColumn(column: Column): column is "price" | "stock" {
	return column === "price" || column === "stock";
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
