import { test } from "@jest/globals";

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
