import type { z } from "zod";
import { fieldErrors } from "../../contracts/problems.ts";
import { catalogueLine } from "../../contracts/product-schemas.ts";
import {
	COLUMNS,
	type Column,
	isNumberColumn,
	isOptionColumn,
	NUMBER_COLUMNS,
	type NumberColumnName,
	OPTION,
	OPTIONS,
	shown,
} from "./columns.ts";
import type { RawProduct } from "./csv.ts";
import { NumberColumn, type NumberFormat, NumberText } from "./numbers.ts";
import type { Reading } from "./records.ts";

/** The fields of a product in a line of a catalogue. */
export type CatalogueLine = z.output<typeof catalogueLine>;

export type NumberColumns = Record<NumberColumnName, NumberColumn>;

const FIELDS = [...COLUMNS, OPTIONS] as const;
/** Fields that must not be empty. Stock may be: that of an existing product is not taken from the file. */
const NEVER_EMPTY: readonly Column[] = ["sku", "name", "price", "category"];
/** Fields that an empty cell leaves as they are. */
const EMPTY_IS_UNSAID: readonly Column[] = [
	"stock",
	"weight_g",
	"requires_shipping",
	"group_name",
	"group_description",
	"group_category",
];
const YES = ["true", "yes", "ya", "1"];
const NO = ["false", "no", "tidak", "0"];

/** A value that another program has written in a way that cannot be read. */
export class Unreadable {
	readonly reason: string;

	constructor(reason: string) {
		this.reason = reason;
	}
}

/** Returns the columns of numbers of a file. */
export function numberColumns(format?: NumberFormat): NumberColumns {
	return Object.fromEntries(
		NUMBER_COLUMNS.map((name) => [name, new NumberColumn(name, format)]),
	) as NumberColumns;
}

/**
 * Validates a product of a file and returns it, or all errors in it. Ignores unknown fields.
 *
 * @param called Returns what the file calls a field.
 */
export function readProduct(
	raw: RawProduct,
	numbers: NumberColumns,
	called: (name: string) => string = (name) => name,
): Reading<CatalogueLine> {
	const fields: Record<string, unknown> = {};
	const wrong = new Map<string, string>();
	for (const name of FIELDS) {
		const read = name === OPTIONS ? readOptions(raw) : readValue(name, raw[name], numbers);
		if ("reason" in read) {
			wrong.set(name, read.reason);
		} else if (read.value !== undefined) {
			fields[name] = read.value;
		}
	}
	const checked = catalogueLine.safeParse(fields);
	if (checked.success && wrong.size === 0) {
		return { value: checked.data };
	}
	for (const { path, message } of checked.success ? [] : fieldErrors(checked.error)) {
		wrong.set(path, wrong.get(path) ?? message);
	}
	return { reason: [...wrong].map(([name, reason]) => `${called(name)}: ${reason}`).join("; ") };
}

function readValue(name: Column, value: unknown, numbers: NumberColumns): Reading<unknown> {
	if (value === null && NEVER_EMPTY.includes(name)) {
		return { reason: "must not be empty" };
	}
	if (value === undefined && name === "sku") {
		return { reason: "must be there" };
	}
	if (value === null && EMPTY_IS_UNSAID.includes(name)) {
		return { value: undefined };
	}
	if (value instanceof Unreadable) {
		return { reason: value.reason };
	}
	if (typeof value === "string" && value.includes("\ufffd")) {
		return {
			reason: "holds U+FFFD, which stands where another program lost a character: write the text anew",
		};
	}
	if (value instanceof NumberText) {
		return isNumberColumn(name) ? numbers[name].read(value.text) : { value: Number(value.text) };
	}
	if (name === "image_urls") {
		return readImages(value);
	}
	return name === "requires_shipping" && typeof value === "string" ? readBoolean(value) : { value };
}

/** Reads pictures: a list, or addresses with blanks between them. */
function readImages(value: unknown): Reading<unknown> {
	if (typeof value !== "string") {
		return { value: value === null ? [] : value };
	}
	return /,\s/.test(value)
		? { reason: "must have blanks between the addresses, and no commas" }
		: { value: value.split(/\s+/).filter((url) => url !== "") };
}

function readBoolean(text: string): Reading<boolean> {
	const plain = text.toLowerCase();
	return YES.includes(plain) || NO.includes(plain)
		? { value: YES.includes(plain) }
		: { reason: `"${shown(text)}" is neither true nor false` };
}

/** Reads the options of a product: those of its columns, or of the field `options` in NDJSON. Empty cells are none. */
function readOptions(raw: RawProduct): Reading<unknown> {
	const columns = Object.keys(raw).filter(isOptionColumn);
	const whole = raw[OPTIONS];
	if (columns.length === 0 || whole !== undefined) {
		const isBoth = columns.length > 0;
		return isBoth ? { reason: "must be given once: as options, or in fields option:NAME" } : textsOf(whole);
	}
	const given = columns.filter((name) => raw[name] !== null);
	return given.length === 0
		? { value: null }
		: textsOf(Object.fromEntries(given.map((name) => [name.slice(OPTION.length), raw[name]])));
}

/** Returns options with numbers, such as a size, as the text that the file has. */
function textsOf(options: unknown): Reading<unknown> {
	if (typeof options !== "object" || options === null || Array.isArray(options)) {
		return { value: options };
	}
	const texts = Object.entries(options).map(([name, value]) => [
		name,
		value instanceof NumberText ? value.text : value,
	]);
	return { value: Object.fromEntries(texts) };
}
