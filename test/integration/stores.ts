import { test } from "@jest/globals";
import { settings } from "../../config/settings.ts";
import type { JetStream } from "../../events/stream.ts";
import { setVariables, testMongoUrl } from "../variables.ts";

/** URL of the MongoDB-compatible server of this run; undefined if none could be started. */
export const mongoUrl = testMongoUrl;

/** A test that needs this server. */
export const onMongo = mongoUrl ? test : test.skip;

/** Stores of the products; the tests must pass on all of them. */
export const stores: [string, string | undefined][] = [["a NeDB file", undefined]];

if (mongoUrl) {
	stores.push(["a MongoDB-compatible server", mongoUrl]);
} else {
	// Reported in the run and counted as skipped.
	test.skip("on a MongoDB-compatible server: none could be started, see the first lines of this run", () =>
		undefined);
}

const { namespace } = settings;

/**
 * Selects the store for nodes started from now on. Each store has its own shop, since all products of a shop are in one
 * store.
 */
export function chooseStore(url: string | undefined): void {
	setVariables({ TOKO_NAMESPACE: url ? `${namespace}_m` : namespace, MONGO_URL: url });
}

/** Makes the shop forget its registered stores, for a test that continues with others. */
export async function forgetStores({ manager }: Pick<JetStream, "manager">): Promise<void> {
	await manager.streams.delete(`KV_${settings.namespace}_stores`);
}
