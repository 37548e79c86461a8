import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { callAction } from "../../contracts/actions.ts";
import { STOCK_MAX } from "../../contracts/product-schemas.ts";
import { asService } from "../../middlewares/permissions.ts";
import type { Hold, HoldPage } from "../../services/products/documents.ts";
import { findMissing, heldOf, pageIds } from "../../services/products/hold-pages.ts";
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
import { beforeFirst, FEW, in30Minutes, later, PagedHolds, reservationsOf } from "./paged-holds.ts";
import { eventually, newProduct, stockOf } from "./shop.ts";
import { stores } from "./stores.ts";

describe.each(stores)("holds in pages on %s", (_, url) => {
	const shop = new PagedHolds(url);

	beforeAll(() => shop.start());
	afterAll(() => shop.stop());

	test("a product with many holds keeps the newest ones, and is shown with all of them", async () => {
		const { id } = await newProduct(shop.broker, 1000);
		const count = SIZES.own_max + SIZES.page_max;
		const expires_at = in30Minutes();
		await Promise.all(
			Array.from({ length: count }, () =>
				callAction(shop.broker, "v1.products.reserve", {
					reservation_id: randomUUID(),
					lines: [{ product_id: id, quantity: 1 }],
					expires_at,
				}),
			),
		);
		await callAction(shop.broker, "v1.products.reserve", {
			reservation_id: randomUUID(),
			lines: [{ product_id: id, quantity: 3 }],
			expires_at,
		});
		const document = await eventually("holds to move", async () => {
			const found = await shop.product(id);
			return found.holds.length <= SIZES.own_max && !found.filling && found;
		});
		expect(document.holds.at(-1)).toMatchObject({ quantity: 3 });
		expect(pageIds(document).length).toBeGreaterThanOrEqual(1);
		expect(await stockOf(shop.broker, id)).toMatchObject({
			...{ stock: 1000 - count - 3, held: count + 3, holds: count + 1, supplied: 1000 },
		});
		expect(await shop.breaches()).toEqual([]);
	});

	test("a product of an earlier version, whose holds are all in it, gives them to pages one by one", async () => {
		const { id } = await newProduct(shop.broker, 2000);
		const holds = Array.from({ length: 1000 }, () => ({
			...{ reservation_id: randomUUID(), expires_at: in30Minutes(), quantity: 2 },
		}));
		await shop.store.products.updateMany({ _id: id }, { $set: { holds }, $inc: { stock: -2000 } });
		await shop.store.products.updateMany({ _id: id }, { $inc: { stock: 1, supplied: 1 } });
		await shop.store.products.updateMany({ _id: id }, { $inc: { "ledger_sums.create": 1 } });
		await callAction(shop.broker, "v1.products.reserve", {
			reservation_id: randomUUID(),
			lines: [{ product_id: id, quantity: 1 }],
			expires_at: in30Minutes(),
		});
		await eventually("all to move", async () => (await shop.product(id)).holds.length <= SIZES.own_max);
		expect(await stockOf(shop.broker, id)).toMatchObject({ stock: 0, held: 2001, holds: 1001 });
		expect(await shop.breaches()).toEqual([]);
		await shop.settleAll(
			holds.map(({ reservation_id }) => reservation_id),
			"release",
		);
		await cleanUpPages(shop.store, later());
		expect(await shop.product(id)).toMatchObject({ stock: 2000, hold_pages: {} });
		expect(await shop.breaches()).toEqual([]);
	});

	test("orders whose holds have moved are paid and cancelled, and the audit finds nothing meanwhile", async () => {
		const { id } = await newProduct(shop.broker, 100);
		const orders = [];
		for (let placed = 0; placed < 12; placed++) {
			const items = [{ product_id: id, quantity: 2 }];
			orders.push(await shop.buyer.call("v1.orders.place", { items, idempotency_key: randomUUID() }));
		}
		while (await moveOldest(shop.store, id, FEW)) {
			// Moves all holds but the newest ones.
		}
		expect((await shop.product(id)).holds.length).toBeLessThanOrEqual(FEW.own_max);
		expect(await shop.breaches()).toEqual([]);
		for (const [number, order] of orders.entries()) {
			await (number % 2
				? shop.buyer.call("v1.orders.pay", { id: order.id })
				: shop.buyer.call("v1.orders.cancel", { id: order.id }));
		}
		await eventually("the holds to go", async () => (await stockOf(shop.broker, id))?.held === 0);
		expect(await stockOf(shop.broker, id)).toMatchObject({ stock: 88, held: 0, supplied: 100 });
		expect(await shop.breaches()).toEqual([]);
	});

	// `npm run bench -- holds` opens 10,000.
	test(`${url ? "1,000" : "4,000"} holds that are settled leave exactly what was supplied`, async () => {
		const count = url ? 1000 : 4000;
		const { id } = await newProduct(shop.broker, count + 2000);
		const reservations: string[] = [];
		while (reservations.length < count) {
			const batch = Array.from({ length: 200 }, () => randomUUID() as string);
			const expires_at = in30Minutes();
			await Promise.all(
				batch.map((reservation_id) =>
					callAction(shop.broker, "v1.products.reserve", {
						...{ reservation_id, lines: [{ product_id: id, quantity: 1 }], expires_at },
					}),
				),
			);
			reservations.push(...batch);
		}
		expect(await stockOf(shop.broker, id)).toMatchObject({ stock: 2000, held: count, holds: count });
		const sold = reservations.filter((_, number) => number % 4 === 0);
		const batches = Array.from({ length: count / 200 }, (_, number) =>
			reservations.slice(number * 200, number * 200 + 200),
		);
		await Promise.all(
			batches.map((some) =>
				settle(shop.store, new Map(some.map((one) => [one, sold.includes(one) ? "consume" : "release"]))),
			),
		);
		await cleanUpPages(shop.store, later());
		expect(await stockOf(shop.broker, id)).toMatchObject({
			...{ stock: count + 2000 - sold.length, held: 0, holds: 0, supplied: count + 2000 },
		});
		expect(await shop.product(id)).toMatchObject({ holds: [], hold_pages: {} });
		expect(await shop.store.pages.count({ query: { product_id: id } })).toBe(0);
		// No order has bought these units.
		await shop.store.products.updateMany({ _id: id }, { $inc: { stock: sold.length } });
		expect(await shop.breaches()).toEqual([]);
	});

	test("units that were released in a page and not collected yet are held", async () => {
		const { id, reservations } = await shop.heldProduct(10, 5);
		await moveOldest(shop.store, id, FEW);
		const [page_id] = pageIds(await shop.product(id)) as [string];
		await shop.store.pages.updateMany(
			{ _id: page_id },
			{ $pull: { holds: { reservation_id: reservations[0] } }, $inc: { returned: 1 } },
		);
		expect(await stockOf(shop.broker, id)).toMatchObject({ stock: 5, held: 5, holds: 4 });
		expect(await shop.breaches()).toEqual([]);
		await shop.products.sweeper.cleanUpPages();
		expect(await stockOf(shop.broker, id)).toMatchObject({ stock: 6, held: 4, holds: 4 });
		await shop.settleAll(reservations, "release");
		expect(await stockOf(shop.broker, id)).toMatchObject({ stock: 10, held: 0, holds: 0 });
		expect(await shop.breaches()).toEqual([]);
	});

	test("units released in pages are held until they are collected, also when no hold is left", async () => {
		const { id, reservations } = await shop.heldProduct(10, 4);
		while (await moveOldest(shop.store, id, { own_max: 0, own_min: 0, page_max: 2 })) {
			// Moves all holds.
		}
		let between: unknown;
		const products = beforeFirst(shop.store.products, "updateMany", async () => {
			between = await stockOf(shop.broker, id);
		});
		const fates = new Map<string, Fate>(reservations.map((reservation_id) => [reservation_id, "release"]));
		expect(await settle({ ...shop.store, products }, fates)).toEqual({ holds: 4, released: [id] });
		expect(between).toMatchObject({ stock: 6, held: 4, holds: 0, supplied: 10 });
		expect(await stockOf(shop.broker, id)).toMatchObject({ stock: 10, held: 0, holds: 0, supplied: 10 });
	});

	test("a page that is lost is told by the audit and by the sweeper, and its pending orders by products", async () => {
		const { id } = await newProduct(shop.broker, 10);
		const items = [{ product_id: id, quantity: 1 }];
		for (let placed = 0; placed < 4; placed++) {
			await shop.buyer.call("v1.orders.place", { items, idempotency_key: randomUUID() });
		}
		const [lost] = (await shop.product(id)).holds as [Hold];
		await moveOldest(shop.store, id, FEW);
		const [page_id] = pageIds(await shop.product(id)) as [string];
		const page = (await shop.store.pages.findOne({ _id: page_id })) as HoldPage;
		await shop.store.pages.removeMany({ _id: page_id });
		const lines = (await shop.breaches()).map(({ document, what }) => `${document} ${what}`);
		expect(lines).toContainEqual(
			expect.stringMatching(
				new RegExp(`^product ${id} .* lists the page ${page_id}, which does not exist: its holds are lost$`),
			),
		);
		expect(lines).toContainEqual(expect.stringContaining("supplied 10 ≠ stock 6 + held 2 + sold 0"));
		expect((await cleanUpPages(shop.store)).missing).toEqual([{ product_id: id, page_id }]);
		const reservation = { reservation_id: lost.reservation_id, product_ids: [id] };
		expect(await findUnheld(shop.store, [reservation])).toEqual([lost.reservation_id]);
		await shop.store.pages.insert(page);
		expect(await findMissing(shop.store, [await shop.product(id)])).toEqual([]);
		expect(await shop.breaches()).toEqual([]);
	});

	test("a hold that was sold in a page is known as the last sale, also when the page is gone", async () => {
		const { id, reservations } = await shop.heldProduct(10, 5);
		await moveOldest(shop.store, id, FEW);
		await shop.settleAll(reservations.slice(0, 1), "consume");
		expect(await newestSales(shop.store)).toContain(reservations[0]);
		await shop.settleAll(reservations.slice(1, 2), "consume");
		expect(await shop.product(id)).toMatchObject({
			...{ stock: 5, hold_pages: {}, last_sold: { reservation_id: reservations[1] } },
		});
		expect(await newestSales(shop.store)).toContain(reservations[1]);
		await shop.settleAll(reservations, "release");
		await shop.store.products.updateMany({ _id: id }, { $inc: { stock: 2 } });
	});

	test("a sale that passes from a page to its product while the last sales are read is among them", async () => {
		const { id, reservations } = await shop.heldProduct(10, 4);
		await moveOldest(shop.store, id, FEW);
		const [sold, released] = reservations as [string, string];
		await shop.settleAll([sold], "consume");
		let reads = 0;
		const betweenReads = async () => {
			reads++;
			if (reads === 2) {
				await shop.settleAll([released], "release");
			}
		};
		const products = beforeFirst(shop.store.products, "find", betweenReads);
		const pages = beforeFirst(shop.store.pages, "find", betweenReads);
		expect(await newestSales({ products, pages })).toContain(sold);
		expect(await shop.product(id)).toMatchObject({ hold_pages: {}, last_sold: { reservation_id: sold } });
		await shop.store.products.updateMany({ _id: id }, { $inc: { stock: 1 } });
	});

	test("the last sale of an emptied page does not replace a later one of its product", async () => {
		const { id, reservations } = await shop.heldProduct(10, 4);
		await moveOldest(shop.store, id, FEW);
		const newest = reservations[2] as string;
		const products = beforeFirst(shop.store.products, "updateMany", () =>
			shop.settleAll([newest], "consume"),
		);
		const fates = new Map<string, Fate>(reservations.slice(0, 2).map((moved) => [moved, "consume"]));
		await settle({ ...shop.store, products }, fates);
		expect(await shop.product(id)).toMatchObject({ hold_pages: {}, last_sold: { reservation_id: newest } });
		await shop.store.products.updateMany({ _id: id }, { $inc: { stock: 3 } });
	});

	test("pages are there after a restart, and those that were deleted are not", async () => {
		const { id, reservations } = await shop.heldProduct(20, 9);
		while (await moveOldest(shop.store, id, FEW)) {
			// Moves all holds but the newest ones.
		}
		await shop.settleAll(reservations.slice(0, 3), "release");
		const [before, pages] = [
			await shop.product(id),
			await shop.store.pages.find({ query: { product_id: id } }),
		];
		expect(pages).toHaveLength(2);
		await shop.restart();
		expect(await shop.product(id)).toEqual(before);
		expect(await shop.store.pages.find({ query: { product_id: id } })).toEqual(expect.arrayContaining(pages));
		expect(await stockOf(shop.broker, id)).toMatchObject({ stock: 14, held: 6, holds: 6 });
		expect(await shop.breaches()).toEqual([]);
	});

	test("a lost hold is held again unless it is in a page", async () => {
		const { id, reservations } = await shop.heldProduct(10, 5);
		await moveOldest(shop.store, id, FEW);
		const lines = [{ product_id: id, quantity: 1, is_sold: false }];
		for (const reservation_id of [reservations[0] as string, randomUUID()]) {
			expect(await holdAgain(shop.store, { reservation_id, expires_at: in30Minutes() }, lines)).toBe(true);
		}
		expect(await stockOf(shop.broker, id)).toMatchObject({ stock: 4, held: 6 });
	});

	test("the limit of a stock counts what is held in pages", async () => {
		const { id } = await shop.heldProduct(10, 5);
		await moveOldest(shop.store, id, FEW);
		const change = (quantity: number) =>
			callAction(shop.broker, "v1.products.changeStock", { id, quantity }, asService());
		await expect(change(STOCK_MAX - 9)).rejects.toMatchObject({ type: "STOCK_TOO_LARGE" });
		expect(await change(STOCK_MAX - 10)).toMatchObject({ stock: STOCK_MAX - 5 });
		expect(await heldOf(shop.store, await shop.product(id))).toMatchObject({ units: 5, holds: 5 });
	});

	test("a request whose hold moves between the look of its second attempt and the update holds once", async () => {
		const { id } = await shop.heldProduct(10, 3);
		const request_id = randomUUID();
		let first: string | undefined;
		const products = beforeFirst(shop.store.products, "updateMany", async () => {
			first = await shop.hold(id, request_id);
			await moveOldest(shop.store, id, { own_max: 3, own_min: 0, page_max: 4 });
		});
		const attempt = { reservation_id: randomUUID(), request_id, expires_at: in30Minutes() };
		const second = await reserve({ ...shop.store, products }, attempt, [{ product_id: id, quantity: 1 }]);
		expect(second.reservation_id).toBe(first);
		expect(await shop.product(id)).toMatchObject({ moves: 1, holds: [] });
		expect(await stockOf(shop.broker, id)).toMatchObject({ stock: 6, held: 4, holds: 4 });
	});

	describe("a process that moves holds", () => {
		test("dies after the listing: it is withdrawn after a minute, and holds move again", async () => {
			const { id } = await shop.heldProduct(10, 5);
			const page = (await beginPage(shop.store, id, FEW)) as HoldPage;
			expect(await moveOldest(shop.store, id, FEW)).toBe(false);
			await cleanUpPages(shop.store, Date.now() + 30_000);
			expect(await shop.product(id)).toMatchObject({ filling: { page_id: page._id } });
			await cleanUpPages(shop.store, Date.now() + 61_000);
			expect(await shop.product(id)).not.toHaveProperty("filling");
			expect(await moveOldest(shop.store, id, FEW)).toBe(true);
			expect(await stockOf(shop.broker, id)).toMatchObject({ stock: 5, held: 5, holds: 5 });
		});

		test("was frozen after any step and wakes up after another has moved the holds: it changes nothing", async () => {
			for (const isInserted of [false, true]) {
				const { id, reservations } = await shop.heldProduct(10, 5);
				const page = (await beginPage(shop.store, id, FEW)) as HoldPage;
				if (isInserted) {
					await insertPage(shop.store, page);
				}
				await cleanUpPages(shop.store, later());
				expect(await moveOldest(shop.store, id, FEW)).toBe(true);
				const before = await shop.product(id);
				if (!isInserted) {
					await insertPage(shop.store, page);
				} else {
					expect(await shop.store.pages.findOne({ _id: page._id })).toBeNull();
				}
				expect(await countPage(shop.store, page)).toBe(false);
				await withdrawPage(shop.store, page);
				expect(await shop.product(id)).toEqual(before);
				await cleanUpPages(shop.store, later());
				expect(await shop.store.pages.findOne({ _id: page._id })).toBeNull();
				expect(await findUnheld(shop.store, reservationsOf(id, reservations))).toEqual([]);
			}
		});

		test("gives up where one of the holds is released meanwhile: its unit is back once", async () => {
			const { id, reservations } = await shop.heldProduct(10, 5);
			const page = (await beginPage(shop.store, id, FEW)) as HoldPage;
			await shop.settleAll(reservations.slice(0, 1), "release");
			await insertPage(shop.store, page);
			expect(await countPage(shop.store, page)).toBe(false);
			// The copy in the page holds no units.
			expect(await findUnheld(shop.store, reservationsOf(id, reservations))).toEqual([reservations[0]]);
			await shop.settleAll(reservations.slice(0, 1), "release");
			expect(await stockOf(shop.broker, id)).toMatchObject({ stock: 6, held: 4, holds: 4 });
			await withdrawPage(shop.store, page);
			expect(await shop.store.pages.findOne({ _id: page._id })).toBeNull();
		});
	});
});
