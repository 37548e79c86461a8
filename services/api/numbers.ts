import type { z } from "zod";
import { CURRENCY_DECIMALS } from "../../contracts/money.ts";
import { ambiguityMessage, ambiguousReadings } from "../../contracts/numbers.ts";
import type { FieldError } from "../../contracts/problems.ts";

type Schema = z.core.JSONSchema.JSONSchema;

/** Numbers in plain digits. Longer ones exceed every bound; this length can be written in JSON. */
const PLAIN = /^[ +-]?(\d{1,30}|\d{1,15}\.\d{1,10})$/;
/** Quick check for numbers that may be ambiguous: most JSON texts have none, and are not parsed a second time. */
const THREE_DIGITS = /\d\.\d{3}(?!\d)/;

/**
 * Parses a number of a query string, or returns why it is invalid. It may have a sign, also as the space that `+` means
 * there.
 *
 * @param isMoney True if it may have decimals.
 */
export function numberFromQuery(text: string, isMoney: boolean): { value?: number; message?: string } {
	const message = isExpected(text, isMoney) ? undefined : ambiguityMessage(text);
	if (message !== undefined) {
		return { message };
	}
	return PLAIN.test(text)
		? { value: Number(text) }
		: { message: `must be a number in plain digits, such as ${isMoney ? "150000" : "12"}` };
}

/**
 * Finds the ambiguous numbers of a JSON text, such as `150.000`, which is parsed as 150.
 *
 * @param schema The expected schema, which identifies amounts of money.
 */
export function ambiguousLiterals(raw: Buffer | undefined, schema: Schema): FieldError[] {
	const json = raw?.toString() ?? "";
	if (!THREE_DIGITS.test(json)) {
		return [];
	}
	// Since Node 21 the third argument contains a number's source; older types lack it.
	const mark = (_name: string, value: unknown, context?: { source?: string }) =>
		typeof value === "number" && context?.source && ambiguousReadings(context.source)
			? new Ambiguous(context.source)
			: value;
	const found: FieldError[] = [];
	const visit = (value: unknown, path: string[], at: Schema | undefined): void => {
		if (value instanceof Ambiguous) {
			const message = isExpected(value.source, at?.type === "number")
				? undefined
				: ambiguityMessage(value.source);
			found.push(...(message === undefined ? [] : [{ path: path.join("."), message }]));
		} else if (typeof value === "object" && value !== null) {
			for (const [name, inner] of Object.entries(value)) {
				visit(inner, [...path, name], schemaAt(at, name));
			}
		}
	};
	visit(
		JSON.parse(json.replace(/^\ufeff/, ""), mark as (name: string, value: unknown) => unknown),
		[],
		schema,
	);
	return found;
}

class Ambiguous {
	readonly source: string;

	constructor(source: string) {
		this.source = source;
	}
}

/** Tells whether the format is unambiguous: with three or more decimals of the currency, a dot separates decimals. */
function isExpected(text: string, isMoney: boolean): boolean {
	return isMoney && CURRENCY_DECIMALS >= 3 && !text.includes(",");
}

function schemaAt(schema: Schema | undefined, name: string): Schema | undefined {
	const { properties = {}, items } = schema ?? {};
	return (Object.hasOwn(properties, name) ? properties[name] : items) as Schema | undefined;
}
