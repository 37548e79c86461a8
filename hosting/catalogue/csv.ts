import { StartError } from "../../infra/start-error.ts";
import { COLUMNS, isColumn, isNumberColumn, shown } from "./columns.ts";
import { NumberText } from "./numbers.ts";
import type { Item, Reading, RecordReader } from "./records.ts";
import { scanRecord } from "./scan.ts";

const DELIMITERS = [",", ";", "\t"];
const SKU_MISSING = `the first line does not name the column sku: it must name those that the file has of ${COLUMNS.join(", ")}`;

/** An error in the header line. */
export class HeaderError extends StartError {
	readonly line: number;

	constructor(line: number, message: string) {
		super(message);
		this.line = line;
	}
}

/** The header line of a CSV file: the delimiter, and the column of each field. */
export interface Header {
	line: number;
	delimiter: string;
	columns: string[];
}

/** A product as the file describes it; null for an empty field. */
export type RawProduct = Record<string, unknown>;

/**
 * Reads the header line, and Excel's `sep=;` before it. The delimiter is the one that yields the most known columns.
 *
 * @throws HeaderError
 */
export async function readHeader(reader: RecordReader): Promise<Header | undefined> {
	let first = await reader.nextLine();
	const [, given] = /^"?sep=(.)"?[ \r]*$/i.exec(first?.text ?? "") ?? [];
	if (given !== undefined) {
		if (!DELIMITERS.includes(given)) {
			throw new HeaderError(
				first?.line ?? 1,
				`the first line says that ${shown(given)} separates the fields: use a comma, a semicolon or a tab`,
			);
		}
		first = await reader.nextLine();
	}
	if (!first) {
		return undefined;
	}
	const { line, text } = first;
	const refuse = (message: string) => {
		throw new HeaderError(line, message);
	};
	if (text === undefined) {
		return refuse("the first line is longer than 1 MiB: it must name the columns");
	}
	if (text.startsWith("<")) {
		return refuse("the file is HTML or XML: export the products as CSV");
	}
	if (/^[[{]/.test(text)) {
		return refuse("the file is JSON: write one object in each line and name the file .ndjson");
	}
	const [best] = (given === undefined ? DELIMITERS : [given])
		.map((delimiter) => ({ line, delimiter, columns: columnsOf(text, delimiter) }))
		.sort((one, other) => known(other.columns) - known(one.columns));
	if (!best?.columns.includes("sku")) {
		return refuse(SKU_MISSING);
	}
	const repeated = best.columns.find((name, index) => isColumn(name) && best.columns.indexOf(name) < index);
	return repeated ? refuse(`the first line names the column ${repeated} twice: name it once`) : best;
}

/** Yields the products of a CSV file whose header has been read. */
export function csvProducts<T>(
	reader: RecordReader,
	{ delimiter, columns }: Header,
	read: (raw: RawProduct) => Reading<T>,
): AsyncGenerator<Item<T>> {
	return reader.records(delimiter, (fields) => {
		if (fields.length !== columns.length) {
			return { reason: wrongNumber(fields, columns, delimiter) };
		}
		const raw: RawProduct = {};
		columns.forEach((column, index) => {
			const text = fields[index]?.trim();
			if (isColumn(column)) {
				raw[column] = !text ? null : isNumberColumn(column) ? new NumberText(text) : text;
			}
		});
		return read(raw);
	});
}

function columnsOf(text: string, delimiter: string): string[] {
	const scanned = scanRecord(text, 0, { delimiter, isCr: false }, true);
	if (scanned.kind !== "record") {
		return [];
	}
	return scanned.fields.map((name) =>
		name
			.normalize("NFC")
			.replace(/\p{Cf}/gu, "")
			.trim()
			.toLowerCase(),
	);
}

function known(columns: string[]): number {
	return columns.filter(isColumn).length;
}

/**
 * Returns the reason of a wrong number of fields. It mentions a likely cause: with commas as delimiters, a decimal
 * comma splits a number into two fields.
 */
function wrongNumber(fields: string[], columns: string[], delimiter: string): string {
	const reason = `has ${fields.length} fields, the first line has ${columns.length}`;
	const parts = ["price", "stock"]
		.map((name) => columns.indexOf(name))
		.filter((index) => index >= 0)
		.map((index) => fields.slice(index, index + 2))
		.find(([whole = "", rest = ""]) => /^-?\d{1,3}$/.test(whole) && /^\d{2,3}$/.test(rest));
	return delimiter === "," && fields.length > columns.length && parts
		? `${reason}: if ${parts.join(",")} is one number, write it in quotes`
		: reason;
}
