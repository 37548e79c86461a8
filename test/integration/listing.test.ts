import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { ServiceBroker } from "moleculer";
import { callAction } from "../../contracts/actions.ts";
import { products } from "../../contracts/products.ts";
import { asService } from "../../middlewares/permissions.ts";
import type { DocumentService } from "../../mixins/documents.ts";
import type { ProductDocument } from "../../services/products/documents.ts";
import { type Listing, readPage } from "../../services/products/listing.ts";
import { MemoryListing } from "../../services/products/memory-listing.ts";
import { setVariables } from "../variables.ts";
import { startNode } from "./shop.ts";
import { chooseStore, stores } from "./stores.ts";

// Each import is a separate call, as with `npm run import`.
const IMPORTS = 3;
const LINES = 450;

describe.each(stores)("a listing beside that of another process, on %s", (_, url) => {
	let broker: ServiceBroker;
	let store: DocumentService<ProductDocument>["adapter"];
	let other: Listing;

	beforeAll(async () => {
		chooseStore(url);
		broker = await startNode("products");
		setVariables({ MONGO_URL: undefined });
		store = (broker.getLocalService("v1.products") as unknown as DocumentService<ProductDocument>).adapter;
		other = await listing();
	});

	afterAll(async () => {
		other.stop();
		await broker.stop();
	});

	async function listing(): Promise<Listing> {
		const made = new MemoryListing(store, true);
		await made.start();
		return made;
	}

	/** Returns the pages of a listing that has just read everything. */
	async function pagesAnew(): Promise<string[][]> {
		const fresh = await listing();
		fresh.stop();
		return pages(fresh);
	}

	async function pages(of: Listing): Promise<string[][]> {
		const found = ["created_at", "-price", "name"].map(async (sort) => {
			const page = readPage(products.actions.list.params.parse({ sort, limit: 100, skip: 700 }));
			return (await of.page(page)).map(({ _id }) => _id);
		});
		return Promise.all(found);
	}

	test("takes over what that one imports, changes and removes, many or few", async () => {
		for (let number = 0; number < IMPORTS; number++) {
			const lines = Array.from({ length: LINES }, (_, line) => ({
				line: line + 1,
				sku: randomUUID(),
				name: `Kopi ${(line * 7919) % 1000}`,
				description: "",
				price: ((line * 104_729) % 1000) + 1,
				stock: 1,
				category: "minuman",
			}));
			await callAction(broker, "v1.products.import", { file: "0".repeat(64), lines }, asService());
		}
		const [first] = await pages(other);
		expect(first).toHaveLength(100);
		expect(await pages(other)).toEqual(await pagesAnew());

		const [changed, removed] = first as [string, string];
		await callAction(broker, "v1.products.update", { id: changed, name: "Aren", price: 1 }, asService());
		await callAction(broker, "v1.products.remove", { id: removed }, asService());
		expect(await pages(other)).toEqual(await pagesAnew());
		const page = readPage(products.actions.list.params.parse({ sort: "name", limit: 1 }));
		expect(await other.page(page)).toMatchObject([{ _id: changed, name: "Aren" }]);
		expect((await pages(other)).flat()).not.toContain(removed);
	});
});
