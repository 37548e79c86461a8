import { existsSync } from "node:fs";
import { open } from "node:fs/promises";
import { join } from "node:path";
import { MongoClient } from "mongodb";
import { settings } from "../../config/settings.ts";
import { linesOf } from "../../database/append-log.ts";
import {
	type GroupDocument,
	PRODUCT_GROUPS,
	type ProductDocument,
} from "../../services/products/documents.ts";
import { PRESENTED } from "../../services/products/model.ts";
import { groupsInFile } from "../audit/product-file.ts";

const PAGE = 500;
const FIELDS = ["sku", "removed_at", ...PRESENTED] as const;

export type ExportedProduct = Pick<ProductDocument, "_id" | (typeof FIELDS)[number]>;

/** Some products in the order of their ids, with the groups that they are in. */
export interface ProductPage {
	products: ExportedProduct[];
	groups: Map<string, GroupDocument>;
}

/** The products on sale and their groups. They can be read several times. */
export interface ProductSource {
	pages(): AsyncGenerator<ProductPage>;
	close(): Promise<void>;
}

/** Opens the store of the products that the settings name: a server, or the file beside or without its owner. */
export function openProducts(): Promise<ProductSource> {
	return settings.mongoUrl
		? openServer(settings.mongoUrl)
		: openFile(join(settings.directory, "products.db"));
}

async function openServer(url: string): Promise<ProductSource> {
	const client = await MongoClient.connect(url, { serverSelectionTimeoutMS: 5000 });
	const database = client.db(`${settings.namespace}_products`);
	const projection = Object.fromEntries(FIELDS.map((field) => [field, 1]));
	return {
		async *pages() {
			for (let after = ""; ; ) {
				const found = await database
					.collection<ProductDocument>("products")
					.find({ _id: { $gt: after } }, { projection, sort: { _id: 1 }, limit: PAGE })
					.toArray();
				const ids = [...new Set(found.flatMap(({ group_id }) => group_id ?? []))];
				const groups = database.collection<GroupDocument>(PRODUCT_GROUPS).find({ _id: { $in: ids } });
				yield pageOf(found, ids.length > 0 ? await groups.toArray() : []);
				if (found.length < PAGE) {
					return;
				}
				after = found.at(-1)?._id as string;
			}
		},
		close: () => client.close(),
	};
}

/**
 * Opens the products' file, which can have only one owner, for reading. Memory holds only where the current line of each
 * product is.
 */
async function openFile(file: string): Promise<ProductSource> {
	if (!existsSync(file)) {
		return { async *pages() {}, close: async () => undefined };
	}
	const groups = await groupsInFile(file);
	// If the file is compacted meanwhile, this handle still reads the old one.
	const handle = await open(file);
	const places = new Map<string, { from: number; length: number }>();
	for await (const { from, bytes } of linesOf(handle.createReadStream({ autoClose: false }))) {
		const id = parse(bytes)?._id;
		if (id !== undefined) {
			places.set(id, { from, length: bytes.length });
		}
	}
	const ids = [...places.keys()].sort();
	return {
		async *pages() {
			for (let first = 0; first < ids.length; first += PAGE) {
				const found: ExportedProduct[] = [];
				for (const id of ids.slice(first, first + PAGE)) {
					const { from, length } = places.get(id) as { from: number; length: number };
					const { buffer } = await handle.read(Buffer.allocUnsafe(length), 0, length, from);
					const product = parse(buffer);
					if (product && !product.$$deleted) {
						found.push(product);
					}
				}
				yield pageOf(found, groups);
			}
		},
		close: () => handle.close(),
	};
}

function pageOf(products: ExportedProduct[], groups: GroupDocument[]): ProductPage {
	return {
		products: products.filter(({ removed_at }) => removed_at === null),
		groups: new Map(
			groups.filter(({ removed_at }) => removed_at === null).map((group) => [group._id, group]),
		),
	};
}

/** Parses a line. Returns undefined if it is not JSON: the last line may be incomplete. */
function parse(line: Buffer): (ProductDocument & { $$deleted?: boolean }) | undefined {
	try {
		return JSON.parse(line.toString("utf8"));
	} catch {
		return undefined;
	}
}
