import type { z } from "zod";
import { fieldErrors } from "../../contracts/problems.ts";
import { catalogueLine } from "../../contracts/products.ts";
import { COLUMNS, type Column, isNumberColumn } from "./columns.ts";
import type { RawProduct } from "./csv.ts";
import { type NumberColumn, NumberText } from "./numbers.ts";
import type { Reading } from "./records.ts";

/** The fields of a product in a line of a catalogue. */
export type CatalogueLine = z.output<typeof catalogueLine>;

export type NumberColumns = Record<"price" | "stock", NumberColumn>;

/** Fields that must not be empty. Stock may be: that of an existing product is not taken from the file. */
const NEVER_EMPTY: readonly string[] = ["sku", "name", "price", "category"];

/** Validates a product of a file and returns it, or all errors in it. Ignores unknown fields. */
export function readProduct(raw: RawProduct, numbers: NumberColumns): Reading<CatalogueLine> {
	const given: Partial<Record<Column, unknown>> = {};
	const wrong = new Map<string, string>();
	for (const name of COLUMNS) {
		const read = readValue(name, raw[name], numbers);
		if ("reason" in read) {
			wrong.set(name, read.reason);
		} else {
			given[name] = read.value;
		}
	}
	const checked = catalogueLine.safeParse(given);
	if (checked.success && wrong.size === 0) {
		return { value: checked.data };
	}
	for (const { path, message } of checked.success ? [] : fieldErrors(checked.error)) {
		wrong.set(path, wrong.get(path) ?? message);
	}
	return { reason: [...wrong].map(([name, reason]) => `${name}: ${reason}`).join("; ") };
}

function readValue(name: Column, value: unknown, numbers: NumberColumns): Reading<unknown> {
	if (value === null && NEVER_EMPTY.includes(name)) {
		return { reason: "must not be empty" };
	}
	if (value === undefined && name === "sku") {
		return { reason: "must be there" };
	}
	if (value === null && name === "stock") {
		return { value: undefined };
	}
	if (typeof value === "string" && value.includes("\ufffd")) {
		return {
			reason: "holds U+FFFD, which stands where another program lost a character: write the text anew",
		};
	}
	if (value instanceof NumberText) {
		return isNumberColumn(name) ? numbers[name].read(value.text) : { value: Number(value.text) };
	}
	return { value };
}
