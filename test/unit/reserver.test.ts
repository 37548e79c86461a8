import { randomUUID } from "node:crypto";
import { expect, test } from "@jest/globals";
import type { HoldStore } from "../../services/products/hold-pages.ts";
import { Reserver } from "../../services/products/reserver.ts";

/** A store with large stocks, whose updates wait until the test completes them. */
class SlowStore {
	/** Products of the waiting updates, each with the function that completes it. */
	updates: { product_id: string; go: () => void }[] = [];
	/** Products that cannot be read. */
	broken = new Set<string>();

	store(): HoldStore {
		const products = {
			find: async ({ query }: { query: { _id: { $in: string[] } } }) =>
				query._id.$in.map((_id) => {
					if (this.broken.has(_id)) {
						throw new Error(`${_id} cannot be read`);
					}
					return { _id, name: "Kopi", price_minor: 100, stock: 1000, holds: [] };
				}),
			updateMany: ({ _id: product_id }: { _id: string }) =>
				new Promise<number>((resolve) => this.updates.push({ product_id, go: () => resolve(1) })),
		};
		return { products, pages: { find: async () => [] } } as never;
	}

	/** Completes all waiting updates and those that follow from them. */
	async finish(): Promise<void> {
		for (await turn(); this.updates.length > 0; await turn()) {
			for (const { go } of this.updates.splice(0)) {
				go();
			}
		}
	}
}

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

function callOf(...product_ids: string[]) {
	const lines = product_ids.map((product_id) => ({ product_id, quantity: 1 }));
	return { attempt: { reservation_id: randomUUID(), expires_at: "2030-01-01T00:00:00.000Z" }, lines };
}

test("an order of one unit waits neither for an order of many lines nor for another product", async () => {
	const slow = new SlowStore();
	const reserver = new Reserver(() => slow.store());
	const large = reserver.reserve(callOf(...Array.from({ length: 50 }, (_, n) => `large-${n}`)));
	const other = reserver.reserve(callOf("other"));
	await turn();
	const one = reserver.reserve(callOf("one"));
	await turn();
	expect(slow.updates.map(({ product_id }) => product_id)).toEqual(["large-0", "other", "one"]);
	slow.updates[2]?.go();
	expect((await one).lines).toMatchObject([{ product_id: "one" }]);
	await slow.finish();
	expect((await large).lines).toHaveLength(50);
	expect((await other).lines).toHaveLength(1);
});

test("attempts at one product that come while it is written share the next update", async () => {
	const slow = new SlowStore();
	const reserver = new Reserver(() => slow.store());
	const first = reserver.reserve(callOf("one"));
	await turn();
	const others = [1, 2, 3].map(() => reserver.reserve(callOf("one")));
	await turn();
	expect(slow.updates).toHaveLength(1);
	slow.updates.shift()?.go();
	await first;
	await turn();
	expect(slow.updates).toHaveLength(1);
	await slow.finish();
	expect(await Promise.all(others)).toHaveLength(3);
});

test("an error of one product fails only the attempts at it", async () => {
	const slow = new SlowStore();
	slow.broken.add("broken");
	const reserver = new Reserver(() => slow.store());
	const attempts = ["broken", "fine", "broken", "fine"].map((id) =>
		reserver.reserve(callOf(id)).then(
			() => "held",
			(error: Error) => error.message,
		),
	);
	await slow.finish();
	expect(await Promise.all(attempts)).toEqual([
		"broken cannot be read",
		"held",
		"broken cannot be read",
		"held",
	]);
});

test("products that nobody buys any more are forgotten", async () => {
	const slow = new SlowStore();
	slow.broken.add("product-7");
	const reserver = new Reserver(() => slow.store());
	const attempts = Array.from({ length: 20 }, (_, n) => reserver.reserve(callOf(`product-${n}`)));
	const settled = Promise.allSettled(attempts);
	expect(reserver.products).toBe(20);
	await slow.finish();
	await settled;
	expect(reserver.products).toBe(0);
});
