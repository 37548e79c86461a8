import { z } from "zod";

type Issue = z.core.$ZodRawIssue;

/** Names of JSON types in messages. */
const TYPES: Record<string, string> = {
	string: "text",
	number: "a number",
	int: "a whole number",
	boolean: "true or false",
	array: "a list",
	object: "an object",
	null: "null",
};

/** Messages for text formats. A format with a rule of its own has its message in the contract. */
const FORMATS: Record<string, string> = {
	uuid: "must be a UUID",
	guid: "must be a UUID",
	datetime: "must be a time in UTC such as 2026-11-23T08:00:00.000Z",
	email: "must be an e-mail address such as budi@toko.test",
	url: "must be an address such as https://toko.test",
};

/**
 * Returns the message for an invalid value, for every field of every contract: contracts have own messages only for
 * rules unknown to Zod. Undefined for issues that occur in no contract.
 */
export function messageOf(issue: Issue): string | undefined {
	switch (issue.code) {
		case "invalid_type":
			return issue.input === undefined ? "is required" : wrongType(issue);
		case "invalid_value":
			return issue.input === undefined ? "is required" : oneOf(issue.values);
		case "too_small":
			return bound(String(issue.origin), "least", Number(issue.minimum));
		case "too_big":
			return bound(String(issue.origin), "most", Number(issue.maximum));
		case "invalid_format":
			return FORMATS[issue.format] ?? `must have the form ${issue.pattern ?? issue.format}`;
		default:
			return undefined;
	}
}

function wrongType(issue: Issue & { code: "invalid_type" }): string {
	const { expected, input } = issue;
	if (expected === "int") {
		return "must be a whole number";
	}
	// JSON has no infinity, but 1e400 is parsed as one.
	const { maxValue, minValue } = issue.inst as Partial<z.ZodNumber>;
	if (input === Infinity && Number.isFinite(maxValue)) {
		return bound("number", "most", maxValue as number);
	}
	if (input === -Infinity && Number.isFinite(minValue)) {
		return bound("number", "least", minValue as number);
	}
	const actual = input === null ? "null" : Array.isArray(input) ? "array" : typeof input;
	const wanted = TYPES[expected] ?? expected;
	return actual === expected ? `must be ${wanted}` : `must be ${wanted}, not ${TYPES[actual] ?? actual}`;
}

function oneOf(values: readonly unknown[]): string {
	return values.length === 1 ? `must be ${values[0]}` : `must be one of ${values.join(", ")}`;
}

function bound(origin: string, which: "least" | "most", limit: number): string {
	if (origin === "string") {
		return which === "least" && limit === 1
			? "must not be empty"
			: `must have at ${which} ${limit} ${limit === 1 ? "character" : "characters"}`;
	}
	if (origin === "array") {
		return `must have at ${which} ${limit} ${limit === 1 ? "entry" : "entries"}`;
	}
	return `must be at ${which} ${limit}`;
}

z.config({ customError: messageOf });
