import { z } from "zod";
import { comparedLine } from "./fields.ts";
import { comparable } from "./text.ts";

/** Maximum number of options of a group, such as size and colour. */
const OPTIONS_MAX = 3;

/**
 * Name of an option, such as `ukuran`. JavaScript cannot store one called `__proto__` in an object like any other.
 */
const optionName = comparedLine(1, 60).refine((name) => name !== "__proto__", "must be another name");
const optionValue = comparedLine(1, 60);

/** Text as Unicode's full case folding gives it, letter by letter. The dotless ı is no i. */
function caseFolded(text: string): string {
	return [...text]
		.map((letter) => (letter === "ı" ? letter : letter.toLowerCase().toUpperCase().toLowerCase()))
		.join("");
}

/**
 * Returns an option's name or value in the form in which it is compared: without differences of case, of Unicode's forms
 * (NFKC) and of blanks. `M`, `m` and the full-width `Ｍ` are the same.
 */
export function foldedOption(text: string): string {
	return comparable(caseFolded(comparable(text.normalize("NFKC"))).normalize("NFKC"));
}

/** Names of the options in which the variants of a group differ. */
export const optionNames = z
	.array(optionName)
	.min(1)
	.max(OPTIONS_MAX)
	.superRefine((names, check) => {
		for (const [place, first] of repetitions(names)) {
			check.addIssue({ code: "custom", path: [place], message: `is the same option as ${first}` });
		}
	})
	.meta({ examples: [["ukuran", "warna"]] });

/** Options of a product by name. */
export const options = z
	.record(z.string(), optionValue)
	.superRefine((given, check) => {
		const refuse = (message: string) => check.addIssue({ code: "custom", message });
		const names = Object.keys(given);
		if (names.length < 1 || names.length > OPTIONS_MAX) {
			refuse(`must have 1 to ${OPTIONS_MAX} options`);
			return;
		}
		for (const name of names) {
			const issue = optionName.safeParse(name).error?.issues[0];
			if (issue) {
				refuse(`has a name that ${issue.message}`);
			}
		}
		for (const [, first] of repetitions(names)) {
			refuse(`must not have the option ${first} twice`);
		}
	})
	.overwrite((given) =>
		Object.fromEntries(Object.entries(given).map(([name, value]) => [comparable(name), value])),
	)
	.meta({ minProperties: 1, maxProperties: OPTIONS_MAX, examples: [{ ukuran: "M", warna: "Merah" }] });

/** Returns the places of names that repeat an earlier one, each with that one in quotes. Invalid names are left out. */
function repetitions(names: readonly string[]): [number, string][] {
	const seen = new Map<string, string>();
	return names.flatMap((name, place): [number, string][] => {
		const valid = optionName.safeParse(name).data;
		if (valid === undefined) {
			return [];
		}
		const first = seen.get(foldedOption(valid));
		seen.set(foldedOption(valid), first ?? valid);
		return first === undefined ? [] : [[place, JSON.stringify(first)]];
	});
}
