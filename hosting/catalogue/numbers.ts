import { ambiguousReadings } from "../../contracts/numbers.ts";
import { shown } from "./columns.ts";
import type { Reading } from "./records.ts";

/** Number format of a file, `--numbers`: 1.250.000,50 (`id`) or 1,250,000.50 (`en`). */
export type NumberFormat = "id" | "en";

const NUMBER_FORMATS = {
	id: { example: "1.250.000,50", thousands: ".", decimal: ",", pattern: pattern("\\.", ",") },
	en: { example: "1,250,000.50", thousands: ",", decimal: ".", pattern: pattern(",", "\\.") },
} as const;

export function isNumberFormat(text: string): text is NumberFormat {
	return Object.hasOwn(NUMBER_FORMATS, text);
}

/** The text of a number in a file. */
export class NumberText {
	readonly text: string;

	constructor(text: string) {
		this.text = text;
	}
}

/**
 * The numbers of one column. A dot or comma followed by exactly three digits is ambiguous: it separates thousands or
 * decimals. `read` takes it as a thousands separator, unless `survey` has seen a number in the column that is valid
 * only in the other format.
 */
export class NumberColumn {
	readonly name: string;
	readonly format: NumberFormat | undefined;
	/** Tells whether a number was seen that is valid only in this format. */
	#isCertain = { id: false, en: false };
	/** The first number that has a thousands separator in this format and decimals in the other. */
	#ambiguous: Partial<Record<NumberFormat, string>> = {};

	constructor(name: string, format?: NumberFormat) {
		this.name = name;
		this.format = format;
	}

	/** Records the format of a number in the column. */
	survey(text: string): void {
		const { id, en } = readings(text);
		if (id === en) {
			return;
		}
		if (id !== undefined && en !== undefined) {
			this.#ambiguous[inThousands(text)] ??= text;
		} else {
			this.#isCertain[id === undefined ? "en" : "id"] = true;
		}
	}

	/** Returns the value of a number in the column, or the reason why it has none. */
	read(text: string): Reading<number> {
		const { id, en } = readings(text);
		if (id === undefined && en === undefined) {
			return { reason: `"${shown(text)}" is not a number: write digits, such as 150000` };
		}
		if (this.format) {
			const { example } = NUMBER_FORMATS[this.format];
			const reason = `${shown(text)} is not written as --numbers ${this.format} says, such as ${example}`;
			const value = this.format === "id" ? id : en;
			return value === undefined ? { reason } : { value };
		}
		const ambiguous = ambiguousReadings(text);
		if (id === en || (!ambiguous && (id === undefined || en === undefined))) {
			return { value: (id ?? en) as number };
		}
		const format = inThousands(text);
		const value = format === "id" ? id : en;
		const isBoth = this.#ambiguous.id !== undefined && this.#ambiguous.en !== undefined;
		if (value !== undefined && !isBoth && !this.#isCertain[format === "id" ? "en" : "id"]) {
			return { value };
		}
		const why = value === undefined ? "" : ", since the column writes numbers in both ways";
		return {
			reason: `${shown(text)} can mean ${ambiguous?.thousands} or ${ambiguous?.decimal}${why}: pass --numbers id (${NUMBER_FORMATS.id.example}) or --numbers en (${NUMBER_FORMATS.en.example})`,
		};
	}

	/** Returns notices for the person who imports the file. */
	notes(): string[] {
		if (this.format) {
			return [];
		}
		return (["id", "en"] as const).flatMap((format) => {
			const text = this.#ambiguous[format];
			const read = text === undefined ? undefined : this.read(text);
			if (text === undefined || !read || "reason" in read) {
				return [];
			}
			const [separator, other] = format === "id" ? ["dot", "en"] : ["comma", "id"];
			return `${this.name}: read ${shown(text)} as ${read.value}, since every ${separator} in the column separates thousands; --numbers ${other} if it does not`;
		});
	}
}

function pattern(thousands: string, decimal: string): RegExp {
	return new RegExp(`^-?(?:\\d+|[1-9]\\d{0,2}(?:${thousands}\\d{3})+)(?:${decimal}\\d+)?$`);
}

function readings(text: string): Partial<Record<NumberFormat, number>> {
	return { id: readAs("id", text), en: readAs("en", text) };
}

function readAs(format: NumberFormat, text: string): number | undefined {
	const { thousands, decimal, pattern } = NUMBER_FORMATS[format];
	return pattern.test(text) ? Number(text.replaceAll(thousands, "").replace(decimal, ".")) : undefined;
}

/** Returns the format in which the separator of an ambiguous number separates thousands. */
function inThousands(text: string): NumberFormat {
	return text.includes(".") ? "id" : "en";
}
