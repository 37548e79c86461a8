import { amountsRefusal } from "../../config/shared-settings.ts";
import { type Database, databases } from "../../contracts/services.ts";
import { openStoreEntries, refusalOf, STORE_ID } from "../../database/store-identity.ts";
import { closedStore, MOVE, type Move } from "../../database/store-move.ts";
import { StartError } from "../../infra/backing-services.ts";
import { collectionPlace } from "../../mixins/documents.ts";
import { databasePlace } from "../../mixins/postgres.ts";
import type { Sources } from "./snapshot.ts";

/**
 * Checks that the stores belong to this shop and that their amounts are in the configured currency.
 *
 * @throws StartError
 */
export async function checkStores(sources: Sources): Promise<void> {
	const line = amountsRefusal(databasePlace("orders"), await settingsOf(sources, "orders"));
	if (line) {
		throw new StartError(line);
	}
	const entries = await openStoreEntries(sources.nats);
	for (const [name, own] of Object.entries(await ownStores(sources))) {
		const entry = await entries.read(name);
		const variable = name !== "products" ? "POSTGRES_URL" : sources.productFile ? "TOKO_DIR" : "MONGO_URL";
		const refusal = entry && refusalOf({ name, variable }, own, entry);
		if (refusal) {
			throw new StartError(refusal);
		}
	}
}

/**
 * Refuses a store of products that were moved from it or not yet to it.
 *
 * @throws StartError
 */
export async function checkMoved(sources: Sources): Promise<void> {
	const move = (await sources.productMetadata())[MOVE] as Move | undefined;
	// A move from this store reads it only.
	if (move && move.state !== "outgoing") {
		throw new StartError(closedStore("products", collectionPlace("products"), move));
	}
}

/** Registers the stores named in the environment as those of the shop. Returns whether any replaced another store. */
export async function acceptStores(sources: Sources, log: (line: string) => void): Promise<boolean> {
	const entries = await openStoreEntries(sources.nats);
	let isAnyNew = false;
	for (const [name, own] of Object.entries(await ownStores(sources))) {
		const entry = await entries.read(name);
		if (entry && entry.id !== own.id) {
			await entries.replace(name, own);
			log(`${name}: the shop continues with ${own.where}, without the data in ${entry.where}`);
			isAnyNew = true;
		}
	}
	return isAnyNew;
}

/** Returns the stores named in the environment that were ever started. */
async function ownStores(sources: Sources): Promise<Record<string, { id: string; where: string }>> {
	const stores: Record<string, { id: string; where: string }> = {};
	for (const name of databases) {
		const { [STORE_ID]: id } = await settingsOf(sources, name);
		if (id) {
			stores[name] = { id, where: databasePlace(name) };
		}
	}
	const { [STORE_ID]: id } = await sources.productMetadata();
	return id ? { ...stores, products: { id: String(id), where: collectionPlace("products") } } : stores;
}

/** The settings that a database notes; none where no process of this version has started on it. */
async function settingsOf(sources: Sources, database: Database): Promise<Record<string, string>> {
	const rows = await sources
		.snapshot(database, (query) =>
			query<{ name: string; value: string }>("SELECT name, value FROM shop_settings"),
		)
		.catch((error) => {
			if (error.code === "42P01") {
				return [];
			}
			if (error.code === "3D000") {
				throw new StartError(
					`${databasePlace(database)} does not exist: start ${database} once, which creates it`,
				);
			}
			throw error;
		});
	return Object.fromEntries(rows.map(({ name, value }) => [name, value]));
}
