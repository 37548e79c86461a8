import { randomUUID } from "node:crypto";
import { afterEach, beforeEach, describe, expect, jest, test } from "@jest/globals";
import { settings } from "../../config/settings.ts";
import { FileAdapter } from "../../database/document-file.ts";
import type { Hold } from "../../services/products/documents.ts";
import type { HoldStore } from "../../services/products/hold-pages.ts";
import { cleanUpPages } from "../../services/products/page-cleanup.ts";
import { Sweeper } from "../../services/products/sweeper.ts";

const START = Date.parse("2030-01-01T00:00:00.000Z");
const EVERY_S = 10;
/** Runs one query after the other, as in a file. */
const { inBatches } = FileAdapter.prototype;

/** A sweeper with a simulated clock, its holds and the responses of orders. */
class Clockwork {
	holds: Hold[] = [];
	isAway = false;
	/** Reservations that orders was asked about, and their number in each call. */
	asked: { reservation_id: string; second: number }[] = [];
	calls: number[] = [];
	/** Number of queries for products that ever had pages. */
	looks = 0;
	second = 0;
	sweeper: Sweeper;

	constructor() {
		const service = {
			adapter: { find: async (filters: { query: Query; limit?: number }) => this.#find(filters), inBatches },
			secondary: { find: async () => [], inBatches },
			broker: { call: async (_: string, given: { reservation_ids: string[] }) => this.#answer(given) },
			logger: { warn: () => undefined },
		};
		Object.assign(service.broker, { localBus: { emit: () => undefined } });
		this.sweeper = new Sweeper(
			service as never,
			async () => undefined,
			async () => undefined,
		);
	}

	/** Adds a hold that was made now. */
	hold(): string {
		const reservation_id = randomUUID();
		const expires_at = new Date(Date.now() + settings.orderTtlMinutes * 60_000).toISOString();
		this.holds.push({ reservation_id, quantity: 1, expires_at });
		return reservation_id;
	}

	/** Sweeps at the interval of the timer until this second. */
	async sweepUntil(second: number): Promise<void> {
		for (; this.second < second; this.second += EVERY_S) {
			await this.sweeper.sweep().catch(() => undefined);
		}
	}

	secondsOf(reservation_id: string): number[] {
		return this.asked.filter((asked) => asked.reservation_id === reservation_id).map(({ second }) => second);
	}

	#find({ query, limit = Number.POSITIVE_INFINITY }: { query: Query; limit?: number }) {
		this.looks += "moves" in query ? 1 : 0;
		const { $gte = "", $lt = "" } = query.holds?.$elemMatch.expires_at ?? {};
		return this.holds
			.map((hold, place) => ({ _id: String(place).padStart(6, "0"), holds: [hold] }))
			.filter(({ _id, holds: [hold] }) => {
				const { expires_at } = hold as Hold;
				return _id > (query._id?.$gt ?? "") && $gte <= expires_at && expires_at < $lt;
			})
			.slice(0, limit);
	}

	#answer({ reservation_ids }: { reservation_ids: string[] }) {
		if (this.isAway) {
			throw new Error("orders is away");
		}
		this.calls.push(reservation_ids.length);
		this.asked.push(...reservation_ids.map((reservation_id) => ({ reservation_id, second: this.second })));
		return reservation_ids.map((reservation_id) => ({ reservation_id, fate: "keep" }));
	}
}

interface Query {
	_id?: { $gt?: string };
	holds?: { $elemMatch: { expires_at: { $gte: string; $lt: string } } };
}

describe("the sweeper asks orders about a hold without an order", () => {
	let clock: Clockwork;

	beforeEach(() => {
		clock = new Clockwork();
		jest.spyOn(Date, "now").mockImplementation(() => START + clock.second * 1000);
	});

	afterEach(() => {
		jest.restoreAllMocks();
	});

	test("40 to 50 s after it was made, whenever between two sweeps that was, and a few times at most", async () => {
		await clock.sweepUntil(60);
		const made: [string, number][] = [];
		for (const second of [60, 63, 69.9]) {
			clock.second = second;
			made.push([clock.hold(), second]);
		}
		clock.second = 70;
		await clock.sweepUntil(1000);
		for (const [reservation_id, second] of made) {
			const asked = clock.secondsOf(reservation_id).map((at) => at - second);
			expect(asked[0]).toBeGreaterThan(39.9);
			expect(asked[0]).toBeLessThanOrEqual(50.1);
			expect(asked.length).toBeLessThanOrEqual(2);
		}
	});

	test("as soon as orders is available again, however long it was not", async () => {
		await clock.sweepUntil(60);
		const reservation_id = clock.hold();
		clock.isAway = true;
		await clock.sweepUntil(400);
		clock.isAway = false;
		await clock.sweepUntil(500);
		expect(clock.secondsOf(reservation_id)[0]).toBe(400);
		expect(clock.secondsOf(reservation_id).length).toBeLessThanOrEqual(2);
	});

	test("at its start, however long ago it was made, and not again before its time is over", async () => {
		const reservations = Array.from({ length: 2500 }, () => clock.hold());
		clock.second = 300;
		const young = clock.hold();
		await clock.sweepUntil(330);
		const asked = new Set(clock.asked.map(({ reservation_id }) => reservation_id));
		expect(asked).toEqual(new Set(reservations));
		expect(clock.calls).toEqual([1000, 1000, 500]);
		await clock.sweepUntil(1000);
		expect(clock.calls.slice(3).every((count) => count === 1)).toBe(true);
		expect(clock.secondsOf(young)[0]).toBe(350);
	});

	test("again and again once its time is over", async () => {
		const reservation_id = clock.hold();
		const ttl_s = settings.orderTtlMinutes * 60;
		await clock.sweepUntil(ttl_s);
		const before = clock.secondsOf(reservation_id).length;
		clock.isAway = true;
		await clock.sweepUntil(ttl_s + 100);
		clock.isAway = false;
		await clock.sweepUntil(ttl_s + 130);
		expect(clock.secondsOf(reservation_id).length).toBe(before + 3);
	});

	test("and looks for lost pages at its start and every ten minutes", async () => {
		for (; clock.second < 1800; clock.second += EVERY_S) {
			await clock.sweeper.cleanUpPages();
		}
		expect(clock.looks).toBe(3);
	});
});

describe("looking for lost pages", () => {
	/**
	 * Creates a store of products that ever had a page, with the numbers of those that list one, and counts the queries.
	 */
	function storeOf(products: number, listed: number[], found: string[]) {
		const queries = { products: 0, pages: 0 };
		const all = Array.from({ length: products }, (_, n) => ({
			...{ _id: String(n).padStart(4, "0"), moves: 1 },
			hold_pages: listed.includes(n) ? { [`page-${n}`]: 0 } : {},
		}));
		const store = {
			products: {
				find: async ({
					query,
					limit,
				}: {
					query: Record<string, never> & { _id?: { $gt?: string } };
					limit?: number;
				}) => {
					queries.products++;
					if ("filling.since" in query) {
						return [];
					}
					return all.filter(({ _id }) => _id > (query._id?.$gt ?? "")).slice(0, limit);
				},
				inBatches,
			},
			pages: {
				find: async ({ query }: { query: { _id?: { $in?: string[] } } }) => {
					queries.pages++;
					return query._id?.$in?.filter((_id) => found.includes(_id)).map((_id) => ({ _id })) ?? [];
				},
				inBatches,
			},
		};
		return { queries, store: store as unknown as HoldStore };
	}

	test("costs no query for products that have none any more", async () => {
		const { queries, store } = storeOf(1000, [], []);
		await cleanUpPages(store);
		expect(queries.products).toBeLessThan(20);
		expect(queries.pages).toBe(2);
	});

	test("costs one query for a hundred products, and names those that are lost", async () => {
		const { queries, store } = storeOf(200, [0, 7, 99, 150], ["page-0", "page-99", "page-150"]);
		const { missing } = await cleanUpPages(store);
		expect(missing).toEqual([{ product_id: "0007", page_id: "page-7" }]);
		expect(queries.pages).toBe(4);
	});

	test("is left out where it is not due", async () => {
		const { queries, store } = storeOf(1000, [7], []);
		expect((await cleanUpPages(store, Date.now(), false)).missing).toEqual([]);
		expect(queries).toEqual({ products: 1, pages: 2 });
	});
});
