import { collectionPlace } from "../mixins/documents.ts";
import { databasePlace } from "../mixins/postgres.ts";
import { openStoreEntries, STORE_ID } from "../mixins/store-identity.ts";
import type { Sources } from "./sources.ts";

/** Takes the stores that the environment names for those of the shop; answers whether others were before. */
export async function acceptStores(sources: Sources, say: (line: string) => void): Promise<boolean> {
	const entries = await openStoreEntries(sources.nats);
	let isAnyNew = false;
	for (const [name, own] of Object.entries(await ownStores(sources))) {
		const entry = await entries.read(name);
		if (entry && entry.id !== own.id) {
			await entries.replace(name, own);
			say(`${name}: the shop goes on with ${own.where}, without what was in ${entry.where}`);
			isAnyNew = true;
		}
	}
	return isAnyNew;
}

/** The stores that the environment names, as far as they were ever started. */
export async function ownStores(sources: Sources): Promise<Record<string, { id: string; where: string }>> {
	const stores: Record<string, { id: string; where: string }> = {};
	for (const name of ["users", "orders", "notifications"] as const) {
		const [row] = await sources.snapshot(name, (query) =>
			query<{ value: string }>("SELECT value FROM shop_settings WHERE name = $1", [STORE_ID]),
		);
		if (row) {
			stores[name] = { id: row.value, where: databasePlace(name) };
		}
	}
	const { [STORE_ID]: id } = await sources.productNotes();
	return id ? { ...stores, products: { id: String(id), where: collectionPlace("products") } } : stores;
}
