import { StartError } from "../../infra/start-error.ts";
import { COLUMNS, columnName, isColumn, isNumberColumn, NUMBER_COLUMNS, shown } from "./columns.ts";
import { withFormula } from "./formulas.ts";
import { NumberText } from "./numbers.ts";
import type { Item, Reading, RecordReader } from "./records.ts";
import { scanRecord } from "./scan.ts";

const DELIMITERS = [",", ";", "\t"];
const SKU_MISSING = `the first line does not name the column sku: it must name those that the file has of ${COLUMNS.join(", ")}, option:NAME`;
/** Columns that the product exports of other shops have. */
const OTHER_SHOPS: [string, string][] = [
	["shopify", "variant sku"],
	["shopify", "url handle"],
	["shopify", "body (html)"],
	["woocommerce", "regular price"],
	["woocommerce", "in stock?"],
];

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

/** The columns of a kind of file. */
export interface Layout {
	isColumn(name: string): boolean;
	/** Returns the reason why a file with these columns is refused; undefined if it is not. */
	refusal(columns: string[]): string | undefined;
}

/** Layout of a catalogue in the shop's own format. */
export const OWN_LAYOUT: Layout = {
	isColumn,
	refusal(columns) {
		const [shop] = OTHER_SHOPS.find(([, column]) => columns.includes(column)) ?? [];
		if (shop) {
			return `the first line is that of another shop's export: import it with --from ${shop}`;
		}
		return columns.includes("sku") ? undefined : SKU_MISSING;
	},
};

/**
 * Reads the header line, and Excel's `sep=;` before it. The delimiter is the one that yields the most known columns.
 *
 * @throws HeaderError
 */
export async function readHeader(
	reader: RecordReader,
	layout: Layout = OWN_LAYOUT,
): Promise<Header | undefined> {
	let first = await reader.nextLine();
	const [, declared] = /^"?sep=(.)"?[ \r]*$/i.exec(first?.text ?? "") ?? [];
	if (declared !== undefined) {
		if (!DELIMITERS.includes(declared)) {
			throw new HeaderError(
				first?.line ?? 1,
				`the first line says that ${shown(declared)} separates the fields: use a comma, a semicolon or a tab`,
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
	const known = (columns: string[]) => columns.filter((name) => layout.isColumn(name)).length;
	if (text === undefined) {
		return refuse("the first line is longer than 1 MiB: it must name the columns");
	}
	if (text.startsWith("<")) {
		return refuse("the file is HTML or XML: export the products as CSV");
	}
	if (/^[[{]/.test(text)) {
		return refuse("the file is JSON: write one object in each line and name the file .ndjson");
	}
	const [best] = (declared === undefined ? DELIMITERS : [declared])
		.map((delimiter) => ({ line, delimiter, columns: columnsOf(text, delimiter) }))
		.sort((one, other) => known(other.columns) - known(one.columns));
	const refusal = layout.refusal(best?.columns ?? []);
	if (refusal !== undefined || !best) {
		return refuse(refusal ?? SKU_MISSING);
	}
	const repeated = best.columns.find(
		(name, index) => layout.isColumn(name) && best.columns.indexOf(name) < index,
	);
	return repeated ? refuse(`the first line names the column ${repeated} twice: name it once`) : best;
}

/** Yields the products of a CSV file whose header has been read. */
export function csvProducts<T>(
	reader: RecordReader,
	{ delimiter, columns }: Header,
	read: (raw: RawProduct) => Reading<T>,
): AsyncGenerator<Item<T>> {
	const known = columns.map(isColumn);
	return cellsOf(reader, { delimiter, columns }, (cells) => {
		const raw: RawProduct = {};
		for (const [index, column] of columns.entries()) {
			const text = cells[index];
			if (known[index]) {
				raw[column] = !text ? null : isNumberColumn(column) ? new NumberText(text) : text;
			}
		}
		return read(raw);
	});
}

/** Yields the records of a CSV file, as texts by column, whose header has been read. */
export function csvRows<T>(
	reader: RecordReader,
	header: Omit<Header, "line">,
	read: (cells: Record<string, string>) => Reading<T>,
): AsyncGenerator<Item<T>> {
	return cellsOf(reader, header, (cells) =>
		read(Object.fromEntries(header.columns.map((column, index) => [column, cells[index] ?? ""]))),
	);
}

/** Yields the records of a CSV file, as texts in the sequence of the columns. */
function cellsOf<T>(
	reader: RecordReader,
	{ delimiter, columns }: Omit<Header, "line">,
	read: (cells: string[]) => Reading<T>,
): AsyncGenerator<Item<T>> {
	return reader.records(delimiter, (fields) => {
		if (fields.length !== columns.length) {
			return { reason: wrongNumber(fields, columns, delimiter) };
		}
		return read(fields.map((field) => withFormula(field.trim())));
	});
}

function columnsOf(text: string, delimiter: string): string[] {
	const scanned = scanRecord(text, 0, { delimiter, isCr: false }, true);
	if (scanned.kind !== "record") {
		return [];
	}
	return scanned.fields.map(columnName);
}

/**
 * Returns the reason of a wrong number of fields. It mentions a likely cause: with commas as delimiters, a decimal
 * comma splits a number into two fields.
 */
function wrongNumber(fields: string[], columns: string[], delimiter: string): string {
	const reason = `has ${fields.length} fields, the first line has ${columns.length}`;
	const parts = NUMBER_COLUMNS.map((name) => columns.indexOf(name))
		.filter((index) => index >= 0)
		.map((index) => fields.slice(index, index + 2))
		.find(([whole = "", rest = ""]) => /^-?\d{1,3}$/.test(whole) && /^\d{2,3}$/.test(rest));
	return delimiter === "," && fields.length > columns.length && parts
		? `${reason}: if ${parts.join(",")} is one number, write it in quotes`
		: reason;
}
