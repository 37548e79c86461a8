import { supplyReason } from "../../contracts/product-schemas.ts";
import type { Hold, LedgerEntry, Reason } from "../../services/products/documents.ts";
import type { Stock } from "./snapshot.ts";

export const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const REASONS: readonly string[] = supplyReason.options;
/** Maximum length of a quoted value. */
const QUOTED_MAX = 100;

/** A product whose `holds` include those of its pages. */
export interface ReadStock extends Stock {
	/** Units released in pages but not returned to `stock` yet. */
	uncollected: number;
}

/** A document from the store in the form that the checks expect, with its deviations. */
interface ReadProduct {
	product: ReadStock;
	/** Values that the shop never writes. They are left out of `product` if they cannot be counted. */
	faults: string[];
}

/** Reads a document that may have been edited by hand into any form. */
export function readProduct(document: Stock): ReadProduct {
	const faults: string[] = [];
	const fault = (what: string) => void faults.push(what);
	const { _id, name, sku, price_minor, supplied } = document;
	if (typeof _id !== "string" || _id === "") {
		fault(`has an invalid id: ${quoted(_id)}`);
	}
	if (typeof name !== "string" || name === "") {
		fault(`has an invalid name: ${quoted(name)}`);
	}
	if (typeof sku !== "string" || sku === "") {
		fault(`has an invalid sku: ${quoted(sku)}`);
	}
	if (!isCount(price_minor)) {
		fault(`has an invalid price: ${quoted(price_minor)}`);
	}
	if (!Number.isSafeInteger(supplied)) {
		fault(`has an invalid number of supplied units: ${quoted(supplied)}`);
	}
	const { ledger, ledger_sums, restocks } = document;
	const paged = readPages(document, fault);
	const product: ReadStock = {
		...document,
		_id: String(_id),
		holds: [...readHolds(document.holds, fault), ...paged.holds],
		uncollected: paged.uncollected,
		...(ledger === undefined ? {} : { ledger: readLedger(ledger, fault) }),
		...(ledger_sums === undefined ? {} : { ledger_sums: readSums(ledger_sums, fault) }),
		...(restocks === undefined ? {} : { restocks: objectOf(restocks, "restocks", fault) }),
	};
	return { product, faults };
}

type Fault = (what: string) => void;

function readHolds(document: unknown, fault: Fault): Hold[] {
	if (!Array.isArray(document)) {
		fault(`has holds that are not a list: ${quoted(document)}`);
		return [];
	}
	return document.filter((hold: Partial<Hold> | null) => {
		const isHold =
			typeof hold?.reservation_id === "string" &&
			UUID.test(hold.reservation_id) &&
			Number.isSafeInteger(hold.quantity);
		if (!isHold) {
			fault(`has an invalid hold: ${quoted(hold)}`);
		}
		return isHold;
	});
}

function readPages({ _id, hold_pages, pages = [] }: Stock, fault: Fault) {
	const holds: Hold[] = [];
	let uncollected = 0;
	const listed = hold_pages === undefined ? {} : objectOf<number>(hold_pages, "hold_pages", fault);
	for (const [id, collected] of Object.entries(listed)) {
		const page = pages.find((one) => one._id === id);
		if (!page) {
			fault(`lists the page ${id}, which does not exist: its holds are lost`);
			continue;
		}
		const { product_id, returned } = page;
		if (product_id !== _id) {
			fault(`lists the page ${id} of product ${quoted(product_id)}`);
			continue;
		}
		if (isCount(collected) && isCount(returned) && collected <= returned) {
			uncollected += returned - collected;
		} else {
			fault(`has collected ${quoted(collected)} of the ${quoted(returned)} units released in the page ${id}`);
		}
		holds.push(...readHolds(page.holds, fault));
	}
	return { holds, uncollected };
}

function readLedger(document: unknown, fault: Fault): Record<string, LedgerEntry> {
	return readEntries(objectOf<Partial<LedgerEntry> | null>(document, "ledger", fault), (id, entry) => {
		const isEntry = Number.isSafeInteger(entry?.quantity);
		if (!isEntry) {
			fault(`has an invalid ledger entry ${id}: ${quoted(entry)}`);
		} else if (!REASONS.includes(entry?.reason as string)) {
			fault(`has the ledger entry ${id} with the reason ${quoted(entry?.reason)}`);
		} else if (Number.isNaN(Date.parse(entry?.at as string))) {
			fault(`has the ledger entry ${id} with the time ${quoted(entry?.at)}`);
		}
		return isEntry;
	}) as Record<string, LedgerEntry>;
}

function readSums(document: unknown, fault: Fault): Partial<Record<Reason, number>> {
	return readEntries(objectOf<number>(document, "ledger_sums", fault), (reason, units) => {
		const isSum = Number.isSafeInteger(units);
		if (!isSum) {
			fault(`has ${quoted(units)} units of ${reason} in its ledger`);
		} else if (!REASONS.includes(reason)) {
			fault(`has ${units} units with the reason ${quoted(reason)} in its ledger`);
		}
		return isSum;
	});
}

function readEntries<T>(
	document: Record<string, T>,
	isReadable: (key: string, value: T) => boolean,
): Record<string, T> {
	return Object.fromEntries(Object.entries(document).filter(([key, value]) => isReadable(key, value)));
}

function objectOf<T>(document: unknown, field: string, fault: Fault): Record<string, T> {
	if (typeof document === "object" && document !== null && !Array.isArray(document)) {
		return document as Record<string, T>;
	}
	fault(`has a field ${field} that is not an object: ${quoted(document)}`);
	return {};
}

function isCount(value: unknown): boolean {
	return Number.isSafeInteger(value) && (value as number) >= 0;
}

/** Quotes a value that may be anything. */
export function quoted(value: unknown): string {
	return (JSON.stringify(value) ?? String(value)).slice(0, QUOTED_MAX);
}
