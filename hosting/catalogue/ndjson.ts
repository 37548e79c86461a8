import type { RawProduct } from "./csv.ts";
import { NumberText } from "./numbers.ts";
import type { Item, Reading, RecordReader } from "./records.ts";

/** Yields the products of an NDJSON file. Numbers stay text, since `150.000` may mean 150000. */
export function ndjsonProducts<T>(
	reader: RecordReader,
	read: (raw: RawProduct, line: number) => Reading<T>,
): AsyncGenerator<Item<T>> {
	return reader.lines((text, line) => {
		const value = parse(text);
		if (value === undefined) {
			return { reason: "is not valid JSON" };
		}
		if (typeof value !== "object" || value === null || Array.isArray(value) || value instanceof NumberText) {
			return { reason: "is not a JSON object" };
		}
		const repeated = repeatedKey(text, value);
		if (repeated !== undefined) {
			return { reason: `names ${repeated} twice` };
		}
		return read(value as RawProduct, line);
	});
}

function parse(text: string): unknown {
	try {
		return JSON.parse(text, withNumbersAsWritten as (key: string, value: unknown) => unknown);
	} catch {
		return undefined;
	}
}

/** A number with an exponent, which no person writes, is unambiguous. */
function withNumbersAsWritten(_: string, value: unknown, { source }: { source?: string }): unknown {
	return typeof value === "number" && source !== undefined && !/e/i.test(source)
		? new NumberText(source)
		: value;
}

/** Returns the duplicate key of a flat object, if there is one: JSON.parse silently uses the last one. */
function repeatedKey(text: string, value: object): string | undefined {
	const isFlat = Object.values(value).every(
		(field) => typeof field !== "object" || field === null || field instanceof NumberText,
	);
	const keys = [...text.matchAll(/("[^"\\]*(?:\\.[^"\\]*)*")(\s*:)?/g)]
		.filter(([, , colon]) => colon)
		.map(([, key = '""']) => String(JSON.parse(key)));
	return isFlat ? keys.find((key, index) => keys.indexOf(key) < index) : undefined;
}
