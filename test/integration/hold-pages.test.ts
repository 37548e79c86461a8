import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import type { ServiceBroker } from "moleculer";
import { callAction } from "../../contracts/actions.ts";
import { STOCK_MAX } from "../../contracts/products.ts";
import { asService } from "../../middlewares/permissions.ts";
import type { DocumentService } from "../../mixins/documents.ts";
import type { Hold, HoldPage, ProductDocument } from "../../services/products/documents.ts";
import { findMissing, type HoldStore, heldOf, pageIds } from "../../services/products/hold-pages.ts";
import {
	beginPage,
	countPage,
	insertPage,
	moveOldest,
	SIZES,
	withdrawPage,
} from "../../services/products/hold-paging.ts";
import { cleanUpPages } from "../../services/products/page-cleanup.ts";
import { reserve } from "../../services/products/reserving.ts";
import { findUnheld, holdAgain, newestSales } from "../../services/products/restoring.ts";
import { type Fate, settle } from "../../services/products/settling.ts";
import type { Sweeper } from "../../services/products/sweeper.ts";
import { audit } from "../../tools/audit/audit.ts";
import type { Sources } from "../../tools/audit/snapshot.ts";
import { openSources } from "../../tools/audit/sources.ts";
import { eventually, newProduct, newUser, type Person, SERVICES, startNode, stockOf } from "./shop.ts";
import { chooseStore, stores } from "./stores.ts";
import { Turns } from "./turns.ts";

const LATER_MS = 10 * 60_000;
/** Low limits, so that a few holds suffice to move a page. */
const FEW = { own_max: 3, own_min: 1, page_max: 2 };

interface Products extends DocumentService<ProductDocument, HoldPage> {
	sweeper: Sweeper;
}

describe.each(stores)("holds in pages on %s", (_, url) => {
	let broker: ServiceBroker;
	let buyer: Person;
	let sources: Sources;

	beforeAll(async () => {
		await start();
		buyer = await newUser(broker);
		sources = await openSources();
	});

	afterAll(async () => {
		await sources.close();
		await broker.stop();
		chooseStore(undefined);
	});

	async function start(): Promise<void> {
		chooseStore(url);
		broker = await startNode(...SERVICES);
		// It would mend what these tests leave behind.
		await products().sweeper.stop();
	}

	const products = () => broker.getLocalService({ name: "products", version: 1 }) as unknown as Products;
	const store = (): HoldStore => ({ products: products().adapter, pages: products().secondary });
	const breaches = async () => (await audit(sources, 20_000, 20)).breaches;
	const product = async (id: string) => (await store().products.findOne({ _id: id })) as ProductDocument;
	const in30Minutes = () => new Date(Date.now() + 1_800_000).toISOString();
	const later = () => Date.now() + LATER_MS;

	/** Reserves a unit and returns the reservation. */
	async function hold(product_id: string, request_id: string = randomUUID()): Promise<string> {
		const attempt = { reservation_id: randomUUID(), request_id, expires_at: in30Minutes() };
		const reserved = await reserve(store(), attempt, [{ product_id, quantity: 1 }]);
		return reserved.reservation_id;
	}

	/** Creates a product with this number of holds of one unit each. Returns its id and the reservations. */
	async function heldProduct(stock: number, holds: number): Promise<{ id: string; reservations: string[] }> {
		const { id } = await newProduct(broker, stock);
		const reservations: string[] = [];
		for (let made = 0; made < holds; made++) {
			reservations.push(await hold(id));
		}
		return { id, reservations };
	}

	const settleAll = (reservations: string[], fate: Fate) =>
		settle(store(), new Map(reservations.map((reservation_id) => [reservation_id, fate])));

	test("a product with many holds keeps the newest ones, and is shown with all of them", async () => {
		const { id } = await newProduct(broker, 1000);
		const count = SIZES.own_max + SIZES.page_max;
		const expires_at = in30Minutes();
		await Promise.all(
			Array.from({ length: count }, () =>
				callAction(broker, "v1.products.reserve", {
					reservation_id: randomUUID(),
					lines: [{ product_id: id, quantity: 1 }],
					expires_at,
				}),
			),
		);
		await callAction(broker, "v1.products.reserve", {
			reservation_id: randomUUID(),
			lines: [{ product_id: id, quantity: 3 }],
			expires_at,
		});
		const document = await eventually("holds to move", async () => {
			const found = await product(id);
			return found.holds.length <= SIZES.own_max && !found.filling && found;
		});
		expect(document.holds.at(-1)).toMatchObject({ quantity: 3 });
		expect(pageIds(document).length).toBeGreaterThanOrEqual(1);
		expect(await stockOf(broker, id)).toMatchObject({
			...{ stock: 1000 - count - 3, held: count + 3, holds: count + 1, supplied: 1000 },
		});
		expect(await breaches()).toEqual([]);
	});

	test("a product of an earlier version, whose holds are all in it, gives them to pages one by one", async () => {
		const { id } = await newProduct(broker, 2000);
		const holds = Array.from({ length: 1000 }, () => ({
			...{ reservation_id: randomUUID(), expires_at: in30Minutes(), quantity: 2 },
		}));
		await store().products.updateMany({ _id: id }, { $set: { holds }, $inc: { stock: -2000 } });
		await store().products.updateMany({ _id: id }, { $inc: { stock: 1, supplied: 1 } });
		await store().products.updateMany({ _id: id }, { $inc: { "ledger_sums.create": 1 } });
		await callAction(broker, "v1.products.reserve", {
			reservation_id: randomUUID(),
			lines: [{ product_id: id, quantity: 1 }],
			expires_at: in30Minutes(),
		});
		await eventually("all to move", async () => (await product(id)).holds.length <= SIZES.own_max);
		expect(await stockOf(broker, id)).toMatchObject({ stock: 0, held: 2001, holds: 1001 });
		expect(await breaches()).toEqual([]);
		await settleAll(
			holds.map(({ reservation_id }) => reservation_id),
			"release",
		);
		await cleanUpPages(store(), later());
		expect(await product(id)).toMatchObject({ stock: 2000, hold_pages: {} });
		expect(await breaches()).toEqual([]);
	});

	test("orders whose holds have moved are paid and cancelled, and the audit finds nothing meanwhile", async () => {
		const { id } = await newProduct(broker, 100);
		const orders = [];
		for (let placed = 0; placed < 12; placed++) {
			const items = [{ product_id: id, quantity: 2 }];
			orders.push(await buyer.call("v1.orders.place", { items, idempotency_key: randomUUID() }));
		}
		while (await moveOldest(store(), id, FEW)) {
			// Moves all holds but the newest ones.
		}
		expect((await product(id)).holds.length).toBeLessThanOrEqual(FEW.own_max);
		expect(await breaches()).toEqual([]);
		for (const [number, order] of orders.entries()) {
			await (number % 2
				? buyer.call("v1.orders.pay", { id: order.id })
				: buyer.call("v1.orders.cancel", { id: order.id }));
		}
		await eventually("the holds to go", async () => (await stockOf(broker, id))?.holds === 0);
		expect(await stockOf(broker, id)).toMatchObject({ stock: 88, held: 0, supplied: 100 });
		expect(await breaches()).toEqual([]);
	});

	// The development server takes a minute for the number of holds that the file has.
	test(`${url ? "2,000" : "10,000"} holds that are settled leave exactly what was supplied`, async () => {
		const count = url ? 2000 : 10_000;
		const { id } = await newProduct(broker, count + 2000);
		const reservations: string[] = [];
		while (reservations.length < count) {
			const batch = Array.from({ length: 200 }, () => randomUUID() as string);
			const expires_at = in30Minutes();
			await Promise.all(
				batch.map((reservation_id) =>
					callAction(broker, "v1.products.reserve", {
						...{ reservation_id, lines: [{ product_id: id, quantity: 1 }], expires_at },
					}),
				),
			);
			reservations.push(...batch);
		}
		expect(await stockOf(broker, id)).toMatchObject({ stock: 2000, held: count, holds: count });
		const sold = reservations.filter((_, number) => number % 4 === 0);
		const batches = Array.from({ length: count / 200 }, (_, number) =>
			reservations.slice(number * 200, number * 200 + 200),
		);
		await Promise.all(
			batches.map((some) =>
				settle(store(), new Map(some.map((one) => [one, sold.includes(one) ? "consume" : "release"]))),
			),
		);
		await cleanUpPages(store(), later());
		expect(await stockOf(broker, id)).toMatchObject({
			...{ stock: count + 2000 - sold.length, held: 0, holds: 0, supplied: count + 2000 },
		});
		expect(await product(id)).toMatchObject({ holds: [], hold_pages: {} });
		expect(await store().pages.count({ query: { product_id: id } })).toBe(0);
		// No order has bought these units.
		await store().products.updateMany({ _id: id }, { $inc: { stock: sold.length } });
		expect(await breaches()).toEqual([]);
	}, 120_000);

	test("units that were released in a page and not collected yet are held", async () => {
		const { id, reservations } = await heldProduct(10, 5);
		await moveOldest(store(), id, FEW);
		const [page_id] = pageIds(await product(id)) as [string];
		await store().pages.updateMany(
			{ _id: page_id },
			{ $pull: { holds: { reservation_id: reservations[0] } }, $inc: { returned: 1 } },
		);
		expect(await stockOf(broker, id)).toMatchObject({ stock: 5, held: 5, holds: 4 });
		expect(await breaches()).toEqual([]);
		await products().sweeper.cleanUpPages();
		expect(await stockOf(broker, id)).toMatchObject({ stock: 6, held: 4, holds: 4 });
		await settleAll(reservations, "release");
		expect(await stockOf(broker, id)).toMatchObject({ stock: 10, held: 0, holds: 0 });
		expect(await breaches()).toEqual([]);
	});

	test("a page that is lost is told by the audit and by the sweeper, and its pending orders by products", async () => {
		const { id } = await newProduct(broker, 10);
		const items = [{ product_id: id, quantity: 1 }];
		for (let placed = 0; placed < 4; placed++) {
			await buyer.call("v1.orders.place", { items, idempotency_key: randomUUID() });
		}
		const [lost] = (await product(id)).holds as [Hold];
		await moveOldest(store(), id, FEW);
		const [page_id] = pageIds(await product(id)) as [string];
		const page = (await store().pages.findOne({ _id: page_id })) as HoldPage;
		await store().pages.removeMany({ _id: page_id });
		const lines = (await breaches()).map(({ document, what }) => `${document} ${what}`);
		expect(lines).toContainEqual(
			expect.stringMatching(
				new RegExp(`^product ${id} .* lists the page ${page_id}, which does not exist: its holds are lost$`),
			),
		);
		expect(lines).toContainEqual(expect.stringContaining("supplied 10 ≠ stock 6 + held 2 + sold 0"));
		expect((await cleanUpPages(store())).missing).toEqual([{ product_id: id, page_id }]);
		const reservation = { reservation_id: lost.reservation_id, product_ids: [id] };
		expect(await findUnheld(store(), [reservation])).toEqual([lost.reservation_id]);
		await store().pages.insert(page);
		expect(await findMissing(store(), [await product(id)])).toEqual([]);
		expect(await breaches()).toEqual([]);
	});

	test("a hold that was sold in a page is known as the last sale, also when the page is gone", async () => {
		const { id, reservations } = await heldProduct(10, 5);
		await moveOldest(store(), id, FEW);
		await settleAll(reservations.slice(0, 1), "consume");
		expect(await newestSales(store())).toContain(reservations[0]);
		await settleAll(reservations.slice(1, 2), "consume");
		expect(await product(id)).toMatchObject({
			...{ stock: 5, hold_pages: {}, last_sold: { reservation_id: reservations[1] } },
		});
		expect(await newestSales(store())).toContain(reservations[1]);
		await settleAll(reservations, "release");
		await store().products.updateMany({ _id: id }, { $inc: { stock: 2 } });
	});

	test("pages are there after a restart, and those that were deleted are not", async () => {
		const { id, reservations } = await heldProduct(20, 9);
		while (await moveOldest(store(), id, FEW)) {
			// Moves all holds but the newest ones.
		}
		await settleAll(reservations.slice(0, 3), "release");
		const [before, pages] = [await product(id), await store().pages.find({ query: { product_id: id } })];
		expect(pages).toHaveLength(2);
		await broker.stop();
		await start();
		expect(await product(id)).toEqual(before);
		expect(await store().pages.find({ query: { product_id: id } })).toEqual(expect.arrayContaining(pages));
		expect(await stockOf(broker, id)).toMatchObject({ stock: 14, held: 6, holds: 6 });
		expect(await breaches()).toEqual([]);
	});

	test("a lost hold is held again unless it is in a page", async () => {
		const { id, reservations } = await heldProduct(10, 5);
		await moveOldest(store(), id, FEW);
		const lines = [{ product_id: id, quantity: 1, is_sold: false }];
		for (const reservation_id of [reservations[0] as string, randomUUID()]) {
			expect(await holdAgain(store(), { reservation_id, expires_at: in30Minutes() }, lines)).toBe(true);
		}
		expect(await stockOf(broker, id)).toMatchObject({ stock: 4, held: 6 });
	});

	test("the limit of a stock counts what is held in pages", async () => {
		const { id } = await heldProduct(10, 5);
		await moveOldest(store(), id, FEW);
		const change = (quantity: number) =>
			callAction(broker, "v1.products.changeStock", { id, quantity }, asService());
		await expect(change(STOCK_MAX - 9)).rejects.toMatchObject({ type: "STOCK_TOO_LARGE" });
		expect(await change(STOCK_MAX - 10)).toMatchObject({ stock: STOCK_MAX - 5 });
		expect(await heldOf(store(), await product(id))).toMatchObject({ units: 5, holds: 5 });
	});

	test("a request whose hold moves between the look of its second attempt and the update holds once", async () => {
		const { id } = await heldProduct(10, 3);
		const request_id = randomUUID();
		let first: string | undefined;
		const products = new Proxy(store().products, {
			get: (target, name) => async (query: object, update: object) => {
				if (name === "updateMany" && first === undefined) {
					first = await hold(id, request_id);
					await moveOldest(store(), id, { own_max: 3, own_min: 0, page_max: 4 });
				}
				return (Reflect.get(target, name) as (...given: object[]) => unknown).call(target, query, update);
			},
		});
		const attempt = { reservation_id: randomUUID(), request_id, expires_at: in30Minutes() };
		const own = { products, pages: store().pages };
		const second = await reserve(own, attempt, [{ product_id: id, quantity: 1 }]);
		expect(second.reservation_id).toBe(first);
		expect(await product(id)).toMatchObject({ moves: 1, holds: [] });
		expect(await stockOf(broker, id)).toMatchObject({ stock: 6, held: 4, holds: 4 });
	});

	describe("a process that moves holds", () => {
		test("dies after the listing: it is withdrawn after a minute, and holds move again", async () => {
			const { id } = await heldProduct(10, 5);
			const page = (await beginPage(store(), id, FEW)) as HoldPage;
			expect(await moveOldest(store(), id, FEW)).toBe(false);
			await cleanUpPages(store(), Date.now() + 30_000);
			expect(await product(id)).toMatchObject({ filling: { page_id: page._id } });
			await cleanUpPages(store(), Date.now() + 61_000);
			expect(await product(id)).not.toHaveProperty("filling");
			expect(await moveOldest(store(), id, FEW)).toBe(true);
			expect(await stockOf(broker, id)).toMatchObject({ stock: 5, held: 5, holds: 5 });
		});

		test("was frozen after any step and wakes up after another has moved the holds: it changes nothing", async () => {
			for (const isInserted of [false, true]) {
				const { id, reservations } = await heldProduct(10, 5);
				const page = (await beginPage(store(), id, FEW)) as HoldPage;
				if (isInserted) {
					await insertPage(store(), page);
				}
				await cleanUpPages(store(), later());
				expect(await moveOldest(store(), id, FEW)).toBe(true);
				const before = await product(id);
				if (!isInserted) {
					await insertPage(store(), page);
				} else {
					expect(await store().pages.findOne({ _id: page._id })).toBeNull();
				}
				expect(await countPage(store(), page)).toBe(false);
				await withdrawPage(store(), page);
				expect(await product(id)).toEqual(before);
				await cleanUpPages(store(), later());
				expect(await store().pages.findOne({ _id: page._id })).toBeNull();
				expect(await findUnheld(store(), asked(id, reservations))).toEqual([]);
			}
		});

		test("gives up where one of the holds is released meanwhile: its unit is back once", async () => {
			const { id, reservations } = await heldProduct(10, 5);
			const page = (await beginPage(store(), id, FEW)) as HoldPage;
			await settleAll(reservations.slice(0, 1), "release");
			await insertPage(store(), page);
			expect(await countPage(store(), page)).toBe(false);
			// The copy in the page holds no units.
			expect(await findUnheld(store(), asked(id, reservations))).toEqual([reservations[0]]);
			await settleAll(reservations.slice(0, 1), "release");
			expect(await stockOf(broker, id)).toMatchObject({ stock: 6, held: 4, holds: 4 });
			await withdrawPage(store(), page);
			expect(await store().pages.findOne({ _id: page._id })).toBeNull();
		});
	});

	const asked = (id: string, reservations: string[]) =>
		reservations.map((reservation_id) => ({ reservation_id, product_ids: [id] }));

	/** Random sequences of steps, with processes killed at random steps. */
	test("no sequence of moving, reserving, settling and tidying loses, doubles or sells a unit twice", async () => {
		let moved = 0;
		const property = async (choices: Iterator<number>, kills: [number, string][]) => {
			const { id } = await newProduct(broker, 14);
			const requests = Array.from({ length: 7 }, () => randomUUID() as string);
			const first: string[] = [];
			for (const request of requests) {
				first.push(await hold(id, request));
			}
			const [again, other] = [randomUUID() as string, randomUUID() as string];
			const fates = new Map<string, Fate>([
				[first[0] as string, "release"],
				[first[3] as string, "release"],
				[first[5] as string, "consume"],
				[first[1] as string, "release"],
			]);
			for (let pages = (choices.next().value as number) % 3; pages > 0; pages--) {
				await moveOldest(store(), id, FEW);
			}
			const watch = new Watch(store(), id, 14, fates);
			const turns = new Turns(store(), () => watch.look());
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
			turns.start("looker", (own) => findUnheld(own, asked(id, [first[2], first[4], first[6]] as string[])));
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
			moved += (await product(id)).moves ?? 0;
			await settle(store(), fates);
			await cleanUpPages(store(), later());
			await watch.look();
			watch.judge();
			await settleAll([...watch.there.keys()], "release");
			await cleanUpPages(store(), later());
			await watch.look();
			const end = await product(id);
			expect(end).toMatchObject({ stock: 14 - watch.sold(), holds: [] });
			expect(end.filling).toBeUndefined();
			expect(pageIds(end)).toEqual([]);
			expect(await store().pages.find({ query: { product_id: id } })).toEqual([]);
			await store().products.updateMany({ _id: id }, { $inc: { stock: watch.sold() } });
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
			{ numRuns: url ? 25 : 100, endOnFailure: true },
		);
		expect(moved).toBeGreaterThan(10);
	}, 300_000);
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
