import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import type { Hold, ProductDocument } from "../../services/products/documents.ts";
import { type HoldStore, heldOf, pageIds } from "../../services/products/hold-pages.ts";
import { moveOldest } from "../../services/products/hold-paging.ts";
import { cleanUpPages } from "../../services/products/page-cleanup.ts";
import { reserve } from "../../services/products/reserving.ts";
import { findUnheld } from "../../services/products/restoring.ts";
import { type Fate, settle } from "../../services/products/settling.ts";
import { FEW, in30Minutes, later, PagedHolds, reservationsOf } from "./paged-holds.ts";
import { newProduct } from "./shop.ts";
import { stores } from "./stores.ts";
import { Turns } from "./turns.ts";

describe.each(stores)("holds in pages on %s", (_, url) => {
	const shop = new PagedHolds(url);

	beforeAll(() => shop.start());
	afterAll(() => shop.stop());

	/** Random sequences of steps, with processes killed at random steps. */
	test("no sequence of moving, reserving, settling and tidying loses, doubles or sells a unit twice", async () => {
		let moved = 0;
		const property = async (choices: Iterator<number>, kills: [number, string][]) => {
			const { id } = await newProduct(shop.broker, 14);
			const requests = Array.from({ length: 7 }, () => randomUUID() as string);
			const first: string[] = [];
			for (const request of requests) {
				first.push(await shop.hold(id, request));
			}
			const [again, other] = [randomUUID() as string, randomUUID() as string];
			const fates = new Map<string, Fate>([
				[first[0] as string, "release"],
				[first[3] as string, "release"],
				[first[5] as string, "consume"],
				[first[1] as string, "release"],
			]);
			for (let pages = (choices.next().value as number) % 3; pages > 0; pages--) {
				await moveOldest(shop.store, id, FEW);
			}
			const watch = new Watch(shop.store, id, 14, fates);
			await watch.look();
			const turns = new Turns(shop.store, () => watch.look());
			const attempt = (request_id: string) => ({
				...{ reservation_id: randomUUID(), request_id, expires_at: in30Minutes() },
			});
			const line = [{ product_id: id, quantity: 1 }];
			for (const mover of ["mover 1", "mover 2"]) {
				turns.start(mover, async (own) => {
					for (let tried = 0; tried < 4; tried++) {
						await moveOldest(own, id, FEW);
					}
				});
			}
			// Retries of requests whose holds remain: they return these holds.
			turns.start("again 1", (own) => reserve(own, attempt(requests[2] as string), line));
			turns.start("again 2", (own) => reserve(own, attempt(requests[4] as string), line));
			// A retry of a request whose hold is settled concurrently, and two attempts of one new request.
			turns.start("again 3", (own) => reserve(own, attempt(requests[0] as string), line));
			turns.start("new 1", (own) => reserve(own, attempt(again), line));
			turns.start("new 2", (own) => reserve(own, attempt(again), line));
			turns.start("new 3", (own) => reserve(own, attempt(other), line));
			// Each settler has some of the same holds, and one page of its own.
			const [some, others] = [new Map([...fates].slice(0, 3)), new Map([...fates].slice(1))];
			turns.start("settler 1", (own) => settle(own, some));
			turns.start("settler 2", (own) => settle(own, others));
			turns.start("sweeper", (own) => cleanUpPages(own, later()));
			turns.start("looker", (own) =>
				findUnheld(own, reservationsOf(id, [first[2], first[4], first[6]] as string[])),
			);
			turns.start("stock", async (own) => {
				for (let read = 0; read < 3; read++) {
					await watch.read(own);
				}
			});
			const results = await turns.run((among) => (choices.next().value as number) % among, new Map(kills));
			for (const [process, { error }] of Object.entries(results)) {
				expect({ process, error }).toEqual({ process, error: undefined });
			}
			for (const [process, kept] of [
				["again 1", first[2]],
				["again 2", first[4]],
			] as const) {
				if (results[process]) {
					expect(results[process].value).toMatchObject({ reservation_id: kept });
				}
			}
			expect(results.looker?.value ?? []).toEqual([]);

			// From here on, no process fails.
			moved += (await shop.product(id)).moves ?? 0;
			await settle(shop.store, fates);
			await cleanUpPages(shop.store, later());
			await watch.look();
			watch.judge();
			await shop.settleAll([...watch.there.keys()], "release");
			await cleanUpPages(shop.store, later());
			await watch.look();
			const end = await shop.product(id);
			expect(end).toMatchObject({ stock: 14 - watch.sold(), holds: [] });
			expect(end.filling).toBeUndefined();
			expect(pageIds(end)).toEqual([]);
			expect(await shop.store.pages.find({ query: { product_id: id } })).toEqual([]);
			await shop.store.products.updateMany({ _id: id }, { $inc: { stock: watch.sold() } });
		};
		await fc.assert(
			fc.asyncProperty(
				fc.infiniteStream(fc.nat(999)),
				fc.array(
					fc.tuple(
						fc.nat(60),
						fc.constantFrom("mover 1", "mover 2", "settler 1", "settler 2", "sweeper", "new 1", "new 2"),
					),
					{ maxLength: 2 },
				),
				property,
			),
			{ numRuns: url ? 15 : 60, endOnFailure: true },
		);
		expect(moved).toBeGreaterThan(10);
	});
});

/** Checks one product between two steps, independent of the processes. */
class Watch {
	/** Valid holds, by reservation. */
	there = new Map<string, Hold>();
	#store: HoldStore;
	#id: string;
	#supplied: number;
	#fates: ReadonlyMap<string, Fate>;
	#gone = new Map<string, Hold>();

	constructor(store: HoldStore, id: string, supplied: number, fates: ReadonlyMap<string, Fate>) {
		this.#store = store;
		this.#id = id;
		this.#supplied = supplied;
		this.#fates = fates;
	}

	async look(): Promise<void> {
		const document = (await this.#store.products.findOne({ _id: this.#id })) as ProductDocument;
		const pages = await this.#store.pages.find({ query: { _id: { $in: pageIds(document) } } });
		expect(pages).toHaveLength(pageIds(document).length);
		const holds = [document, ...pages].flatMap((place) => place.holds);
		const now = new Map(holds.map((hold) => [hold.reservation_id, hold]));
		for (const [id, hold] of this.there) {
			if (!now.has(id)) {
				this.#gone.set(id, hold);
			}
		}
		this.there = now;
		const requests = holds.map(({ request_id }) => request_id);
		// No hold or request occurs twice.
		expect(new Set(requests).size).toBe(holds.length);
		const { units } = await heldOf(this.#store, document);
		expect(document.stock + units + this.sold()).toBe(this.#supplied);
	}

	/** Reads the stock step by step. Expects each hold to count once, as it was at some time during the read. */
	async read(own: HoldStore): Promise<void> {
		const found = (await own.products.findOne({ _id: this.#id })) as ProductDocument;
		const [before, sold] = [this.there, this.sold()];
		const { document, units, holds } = await heldOf(own, found);
		const countedAsSold = this.#supplied - document.stock - units;
		expect(countedAsSold).toBeGreaterThanOrEqual(sold);
		expect(countedAsSold).toBeLessThanOrEqual(this.sold());
		const ids = [...before.keys()];
		expect(holds).toBeGreaterThanOrEqual(ids.filter((id) => this.there.has(id)).length);
		expect(holds).toBeLessThanOrEqual(new Set([...ids, ...this.there.keys()]).size);
	}

	/** Returns the units of holds that were consumed. */
	sold(): number {
		return [...this.#gone.keys()].filter((id) => this.#fates.get(id) === "consume").length;
	}

	/** Expects that exactly the holds with a fate are gone. */
	judge(): void {
		expect([...this.#gone.keys()].filter((id) => !this.#fates.has(id))).toEqual([]);
		expect([...this.there.keys()].filter((id) => this.#fates.has(id))).toEqual([]);
	}
}
