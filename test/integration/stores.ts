import { test } from "@jest/globals";
import { settings } from "../../config/settings.ts";
import type { JetStream } from "../../events/stream.ts";

/** The MongoDB-compatible server of this run; undefined where none could be had. */
export const mongoUrl = process.env.TOKO_TEST_MONGO_URL;

/** Where products can live: what holds on one has to hold on all. */
export const stores: [string, string | undefined][] = [["a NeDB file", undefined]];

if (mongoUrl) {
	stores.push(["a MongoDB-compatible server", mongoUrl]);
} else {
	// Told by the run, and counted as skipped.
	test.skip("on a MongoDB-compatible server: none could be started, see the first lines of this run", () =>
		undefined);
}

const namespace = process.env.TOKO_NAMESPACE;

/** Has what is started from here on keep its products there, as a shop of its own: one has all its products in one store. */
export function chooseStore(url: string | undefined): void {
	process.env.TOKO_NAMESPACE = url ? `${namespace}_m` : (namespace as string);
	if (url) {
		process.env.MONGO_URL = url;
	} else {
		delete process.env.MONGO_URL;
	}
}

/** Has the shop forget which stores it has, for a test that goes on with others. */
export async function forgetStores({ manager }: Pick<JetStream, "manager">): Promise<void> {
	await manager.streams.delete(`KV_${settings.namespace}_stores`);
}
