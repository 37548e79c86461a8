/** What a catalogue file may say of a product. */
export const COLUMNS = ["sku", "name", "description", "price", "stock", "category", "image_url"] as const;

export type Column = (typeof COLUMNS)[number];

/** Names that Indonesian price lists have. */
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
/** So many unknown columns are named. */
const NAMED_MAX = 20;

export function isColumn(name: string): name is Column {
	return (COLUMNS as readonly string[]).includes(name);
}

export function isNumberColumn(column: Column): column is "price" | "stock" {
	return column === "price" || column === "stock";
}

/** Text of the file as messages show it: short, and without characters that a terminal obeys. */
export function shown(text: string): string {
	const visible = text.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, "�");
	return visible.length > SHOWN_MAX ? `${visible.slice(0, SHOWN_MAX)}…` : visible;
}

/** Collects the columns or fields that Toko does not know, each with the first line that has it. */
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

	/** The names, with the column that each may stand for. */
	toString(): string {
		const names = [...this.#lines].map(([name, line]) => {
			const meant = columnLike(name);
			const hints = [...(line > 1 ? [`line ${line}`] : []), ...(meant ? [`${meant}?`] : [])];
			return `${name || '""'}${hints.length > 0 ? ` (${hints.join(", ")})` : ""}`;
		});
		return [...names, ...(this.#isMore ? ["…"] : [])].join(", ");
	}
}

/** The column that somebody may have meant: it begins alike, or one or two letters differ. */
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

/** How many letters have to be added, dropped or changed (Levenshtein). */
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
