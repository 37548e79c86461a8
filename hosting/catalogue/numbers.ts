import { ambiguousReadings } from "../../contracts/numbers.ts";
import { shown } from "./columns.ts";
import type { Reading } from "./records.ts";

/** How a file writes numbers, `--numbers`: 1.250.000,50 (`id`) or 1,250,000.50 (`en`). */
export type NumberFormat = "id" | "en";

const NUMBER_FORMATS = {
	id: { example: "1.250.000,50", thousands: ".", decimal: ",", pattern: pattern("\\.", ",") },
	en: { example: "1,250,000.50", thousands: ",", decimal: ".", pattern: pattern(",", "\\.") },
} as const;

export function isNumberFormat(text: string): text is NumberFormat {
	return Object.hasOwn(NUMBER_FORMATS, text);
}

/** A number as a file writes it. */
export class NumberText {
	readonly text: string;

	constructor(text: string) {
		this.text = text;
	}
}

/**
 * The numbers of one column. A dot or comma followed by exactly three digits separates thousands or decimals: `read`
 * takes it for thousands, unless a number that `survey` has seen in the column can only be written the other way.
 */
export class NumberColumn {
	readonly name: string;
	readonly format: NumberFormat | undefined;
	/** Whether a number was seen that only this format can write. */
	#isCertain = { id: false, en: false };
	/** The first number that has groups of thousands if it is written in this format, and decimals if it is not. */
	#ambiguous: Partial<Record<NumberFormat, string>> = {};

	constructor(name: string, format?: NumberFormat) {
		this.name = name;
		this.format = format;
	}

	/** Takes note of how the column writes numbers. */
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

	/** The number that a text of the column means, or why it means none. */
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
			reason: `${shown(text)} can mean ${ambiguous?.thousands} or ${ambiguous?.decimal}${why}: say --numbers id (${NUMBER_FORMATS.id.example}) or --numbers en (${NUMBER_FORMATS.en.example})`,
		};
	}

	/** What the person should know who imports the file. */
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

/** The format in which an ambiguous number has groups of thousands. */
function inThousands(text: string): NumberFormat {
	return text.includes(".") ? "id" : "en";
}
