import { createHash } from "node:crypto";
import type { GroupDocument, HoldPage, ProductDocument } from "../../services/products/documents.ts";
import { unitsOf } from "../../services/products/hold-pages.ts";
import type { Side } from "./sides.ts";

/** Totals of a store of products, and a digest of all its documents. */
export interface Summary {
	products: number;
	/** Units on sale. */
	stock: number;
	/** Units ever supplied. */
	supplied: number;
	/** Open holds, in products and pages, and their units. */
	holds: number;
	held: number;
	/** Pages of holds, and the units returned in them. */
	pages: number;
	returned: number;
	/** Restocks that the ledgers list. */
	restocks: number;
	/** Groups of products, including removed ones. */
	groups: number;
	/** XOR of the SHA-256 of each document, which does not depend on their order. */
	digest: string;
}

/** Reads all documents of a store. */
export async function summaryOf(
	{ products, pages, groups }: Pick<Side, "products" | "pages" | "groups">,
	read: (documents: number) => void,
): Promise<Summary> {
	const totals = {
		...{ products: 0, stock: 0, supplied: 0, holds: 0, held: 0, pages: 0, returned: 0, restocks: 0 },
		groups: 0,
	};
	const digest = Buffer.alloc(32);
	const add = (kind: string, document: ProductDocument | HoldPage | GroupDocument) => {
		// Documents edited by hand may lack any field.
		const { holds = [] } = document as Partial<HoldPage>;
		totals.holds += holds.length;
		totals.held += unitsOf(holds);
		const own = createHash("sha256")
			.update(`${kind} ${canonical(document)}`)
			.digest();
		own.forEach((byte, place) => {
			digest[place] = (digest[place] as number) ^ byte;
		});
	};
	for await (const documents of products.inBatches({})) {
		for (const document of documents) {
			add("product", document);
			totals.products++;
			totals.stock += document.stock ?? 0;
			totals.supplied += document.supplied ?? 0;
			totals.restocks += Object.values(document.ledger ?? {}).filter(
				({ reason }) => reason === "restock",
			).length;
		}
		read(documents.length);
	}
	for await (const documents of pages.inBatches({})) {
		for (const document of documents) {
			add("page", document);
			totals.pages++;
			totals.returned += document.returned ?? 0;
		}
		read(documents.length);
	}
	for await (const documents of groups.inBatches({})) {
		for (const document of documents) {
			add("group", document);
			totals.groups++;
		}
		read(documents.length);
	}
	return { ...totals, digest: digest.toString("hex") };
}

/** Returns a document as JSON with its fields in a fixed order. */
export function canonical(document: object): string {
	return JSON.stringify(document, (_, value) =>
		value !== null && typeof value === "object" && !Array.isArray(value)
			? Object.fromEntries(Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1)))
			: value,
	);
}

/** Returns the first difference of two summaries; undefined if there is none. */
export function differenceOf(one: Summary, other: Summary): string | undefined {
	for (const name of Object.keys(one) as (keyof Summary)[]) {
		if (one[name] !== other[name]) {
			return `${name} ${one[name]} and ${other[name]}`;
		}
	}
	return undefined;
}
