import type { z } from "zod";
import { CURRENCY_DECIMALS } from "../../contracts/money.ts";
import { ambiguityMessage, ambiguousReadings } from "../../contracts/numbers.ts";
import type { FieldError } from "../../contracts/problems.ts";

type Schema = z.core.JSONSchema.JSONSchema;

/** Longer ones are above every bound, and few enough digits to be a number that JSON can write. */
const PLAIN = /^[ +-]?(\d{1,30}|\d{1,15}\.\d{1,10})$/;
/** Whether a JSON text can have such a number at all: most have none, and are not read a second time. */
const THREE_DIGITS = /\d\.\d{3}(?!\d)/;

/**
 * The number that a text in a query string means, or why it means none. A sign may be there, also as the blank that `+`
 * means there; `isMoney` where it may have decimals.
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
 * The numbers of a JSON text that can be read in two ways, such as `150.000`: once parsed, it is 150 like any other.
 *
 * @param schema What the text should be, by which amounts of money are told.
 */
export function ambiguousLiterals(raw: Buffer | undefined, schema: Schema): FieldError[] {
	const json = raw?.toString() ?? "";
	if (!THREE_DIGITS.test(json)) {
		return [];
	}
	// Since Node 21 the third argument has a number's source; older types do not know it.
	const mark = (_name: string, value: unknown, context?: { source?: string }) =>
		typeof value === "number" && context?.source && ambiguousReadings(context.source)
			? new Ambiguous(context.source)
			: value;
	const found: FieldError[] = [];
	const look = (value: unknown, path: string[], at: Schema | undefined): void => {
		if (value instanceof Ambiguous) {
			const message = isExpected(value.source, at?.type === "number")
				? undefined
				: ambiguityMessage(value.source);
			found.push(...(message === undefined ? [] : [{ path: path.join("."), message }]));
		} else if (typeof value === "object" && value !== null) {
			for (const [name, inner] of Object.entries(value)) {
				look(inner, [...path, name], schemaAt(at, name));
			}
		}
	};
	look(
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

/** A currency with three decimals or more says itself how its amounts are written. */
function isExpected(text: string, isMoney: boolean): boolean {
	return isMoney && CURRENCY_DECIMALS >= 3 && !text.includes(",");
}

function schemaAt(schema: Schema | undefined, name: string): Schema | undefined {
	const { properties = {}, items } = schema ?? {};
	return (Object.hasOwn(properties, name) ? properties[name] : items) as Schema | undefined;
}
