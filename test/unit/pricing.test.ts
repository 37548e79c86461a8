import { describe, expect, test } from "@jest/globals";
import { basisPoints, spread } from "../../services/orders/pricing/arithmetic.ts";
import { mergeLines } from "../../services/orders/pricing/lines.ts";
import { price } from "../../services/orders/pricing/price.ts";
import { refundOf } from "../../services/orders/pricing/refunds.ts";
import { availableMethods, PICKUP } from "../../services/orders/pricing/shipping.ts";
import { NO_TAX } from "../../services/orders/pricing/tax.ts";
import type { Voucher } from "../../services/orders/pricing/vouchers.ts";
import { flat, lines, NOON, priced, sum } from "./priced.ts";

const BANDUNG = { country: "ID", province: "Jawa Barat", postal_code: "40115" };
const to = (method = flat(9_000), destination = BANDUNG) => ({ shipping: { method, destination } });
const ADDED = { basis_points: 1100, is_included: false };
const INCLUDED = { basis_points: 1100, is_included: true };

describe("the published examples", () => {
	test("3 × 33.333, 10 %, tax 11 % not included: discount 10.000, tax 9.900, total 99.899", () => {
		expect(
			priced({ lines: lines([3, 33_333]), voucher: { kind: "percent", value: 1000 }, tax: ADDED }),
		).toMatchObject({
			subtotal_minor: 99_999,
			discount_minor: 10_000,
			tax_minor: 9_900,
			total_minor: 99_899,
		});
	});

	test("15 % of 33.330: 5.000", () => {
		expect(
			priced({ lines: lines([1, 33_330]), voucher: { kind: "percent", value: 1500 } }).discount_minor,
		).toBe(5_000);
	});

	test("50.000 off goods of 30.000, shipping 9.000: discount 30.000, total 9.000", () => {
		expect(
			priced({ lines: lines([1, 30_000]), voucher: { kind: "amount", value: 50_000 }, ...to() }),
		).toMatchObject({ discount_minor: 30_000, shipping_minor: 9_000, total_minor: 9_000, reasons: [] });
	});

	test("3 × 89.999, tax 11 % included: tax 26.756", () => {
		expect(priced({ lines: lines([3, 89_999]), tax: INCLUDED })).toMatchObject({
			tax_minor: 26_756,
			total_minor: 269_997,
		});
	});

	test("minimum 500.000, 200.000 off, goods 600.000, quoted again and again: 400.000", () => {
		const voucher: Voucher = { kind: "amount", value: 200_000, min_subtotal_minor: 500_000 };
		for (let quote = 0; quote < 5; quote++) {
			expect(priced({ lines: lines([1, 600_000]), voucher })).toMatchObject({
				total_minor: 400_000,
				reasons: [],
			});
		}
	});

	test("10.000 off over lines of 150.000, 60.000, 33.333; the first is returned: 6.164, 2.466, 1.370; 143.836 back, the others as they were", () => {
		const placed = priced({
			lines: lines([1, 150_000], [1, 60_000], [1, 33_333]),
			voucher: { kind: "amount", value: 10_000 },
		});
		expect(placed.lines.map((line) => line.discount_minor)).toEqual([6_164, 2_466, 1_370]);
		const order = {
			lines: placed.lines.map(({ paid_minor }, index) => ({
				line: index + 1,
				quantity: 1,
				paid_minor,
				refunded_quantity: 0,
			})),
			shipping_paid_minor: 0,
			is_shipping_refunded: false,
			refunded_minor: 0,
		};
		expect(refundOf(order, { items: [{ line: 1, quantity: 1 }] })).toMatchObject({ total_minor: 143_836 });
		const left = { ...order, refunded_minor: 143_836 };
		expect(refundOf(left, { items: [{ line: 2, quantity: 1 }] })).toMatchObject({ total_minor: 57_534 });
		expect(refundOf(left, { items: [{ line: 3, quantity: 1 }] })).toMatchObject({ total_minor: 31_963 });
	});

	test("cart 2 × 92.000, then the price is 95.000: 184.000, then 190.000", () => {
		expect([92_000, 95_000].map((each) => priced({ lines: lines([2, each]) }).total_minor)).toEqual([
			184_000, 190_000,
		]);
	});

	test("goods 980.000, free from 999.000, fee 29.000: the fee stays", () => {
		const method = flat(29_000, { free_from_minor: 999_000 });
		expect(priced({ lines: lines([1, 980_000]), ...to(method) })).toMatchObject({
			shipping_minor: 29_000,
			total_minor: 1_009_000,
		});
		expect(priced({ lines: lines([1, 999_000]), ...to(method) })).toMatchObject({
			shipping_minor: 0,
			total_minor: 999_000,
		});
	});
});

describe("a voucher", () => {
	const goods = lines([1, 100_000, "kopi"], [2, 50_000, "teh"]);

	test("of a percentage is limited by its cap", () => {
		expect(
			priced({ lines: goods, voucher: { kind: "percent", value: 5000, cap_minor: 30_000 } }).discount_minor,
		).toBe(30_000);
	});

	test("takes off no more than the goods, whatever its value and its cap", () => {
		for (const kind of ["amount", "percent"] as const) {
			const voucher: Voucher = { kind, value: 300_000, cap_minor: 250_000 };
			expect(priced({ lines: goods, voucher })).toMatchObject({ discount_minor: 200_000, total_minor: 0 });
		}
	});

	test("of 100 % leaves goods for 0, and of a hundredth of a percent takes off its part", () => {
		expect(priced({ lines: goods, voucher: { kind: "percent", value: 10_000 } }).total_minor).toBe(0);
		expect(priced({ lines: goods, voucher: { kind: "percent", value: 1 } }).discount_minor).toBe(20);
	});

	test("for a category discounts its lines only, and its minimum looks at these", () => {
		const voucher: Voucher = { kind: "amount", value: 10_000, category: "teh", min_subtotal_minor: 100_000 };
		expect(priced({ lines: goods, voucher }).lines.map((line) => line.discount_minor)).toEqual([0, 10_000]);
		expect(priced({ lines: goods, voucher: { ...voucher, min_subtotal_minor: 100_001 } })).toMatchObject({
			discount_minor: 0,
			total_minor: 200_000,
			reasons: [{ about: "voucher", reason: "below_minimum", missing_minor: 1 }],
		});
	});

	test("for shipping takes off its value, at most the fee, or without a value the whole fee", () => {
		const of = (value: number | null) =>
			priced({ lines: goods, voucher: { kind: "shipping", value }, ...to() });
		expect(of(4_000)).toMatchObject({ shipping_minor: 9_000, discount_minor: 4_000, total_minor: 205_000 });
		expect(of(10_000)).toMatchObject({ shipping_minor: 9_000, discount_minor: 9_000, total_minor: 200_000 });
		expect(of(null)).toMatchObject({
			shipping: { subtotal_minor: 9_000, discount_minor: 9_000, paid_minor: 0 },
		});
		expect(of(null).lines.map((line) => line.discount_minor)).toEqual([0, 0]);
	});

	test("applies from its first moment until just before its end", () => {
		const voucher: Voucher = {
			kind: "amount",
			value: 1_000,
			starts_at: new Date("2026-11-01T00:00:00Z"),
			ends_at: new Date("2026-12-01T00:00:00Z"),
		};
		const reasonsAt = (moment: string) => priced({ lines: goods, voucher, at: new Date(moment) }).reasons;
		expect(reasonsAt("2026-10-31T23:59:59.999Z")).toMatchObject([
			{ about: "voucher", reason: "not_started" },
		]);
		expect(reasonsAt("2026-11-01T00:00:00.000Z")).toEqual([]);
		expect(reasonsAt("2026-11-30T23:59:59.999Z")).toEqual([]);
		expect(reasonsAt("2026-12-01T00:00:00.000Z")).toMatchObject([{ about: "voucher", reason: "ended" }]);
	});

	test.each<[string, Voucher, Partial<Parameters<typeof priced>[0]>, string]>([
		["its category has no goods", { kind: "amount", value: 1, category: "gula" }, {}, "no_eligible_goods"],
		[
			"its discount is rounded to 0",
			{ kind: "percent", value: 1 },
			{ lines: lines([1, 100]) },
			"nothing_to_discount",
		],
		["the goods are free", { kind: "amount", value: 5 }, { lines: lines([1, 0]) }, "nothing_to_discount"],
		[
			"shipping is free already",
			{ kind: "shipping" },
			to(flat(9_000, { free_from_minor: 1 })),
			"nothing_to_discount",
		],
		["the order is collected", { kind: "shipping" }, {}, "nothing_to_discount"],
	])("does not apply if %s, which is never the full price in silence", (_, voucher, given, reason) => {
		const { discount_minor, reasons } = priced({ lines: goods, voucher, ...given });
		expect({ discount_minor, reasons }).toEqual({
			discount_minor: 0,
			reasons: [{ about: "voucher", reason }],
		});
	});

	test("that does not apply leaves shipping and tax as without it", () => {
		const voucher: Voucher = { kind: "percent", value: 1000, min_subtotal_minor: 1_000_000 };
		const { reasons, ...without } = priced({ lines: goods, tax: ADDED, ...to() });
		expect(reasons).toEqual([]);
		expect(priced({ lines: goods, voucher, tax: ADDED, ...to() })).toMatchObject(without);
	});
});

describe("tax", () => {
	test("is computed once on discounted goods and shipping, and spread with shipping as the last line", () => {
		const placed = priced({
			lines: lines([1, 50], [1, 50]),
			tax: { basis_points: 1000, is_included: false },
			...to(flat(50)),
		});
		// Half up of each line would be 5 + 5 + 5; the shares of 15 are whole.
		expect(placed).toMatchObject({
			tax_minor: 15,
			total_minor: 165,
			shipping: { tax_minor: 5, paid_minor: 55 },
		});
		const tied = priced({
			lines: lines([1, 5], [1, 5]),
			tax: { basis_points: 1000, is_included: false },
			...to(flat(5)),
		});
		// 1.5 is rounded to 2, and three equal remainders share two units: the first lines get them.
		expect([...tied.lines, tied.shipping].map((line) => line.tax_minor)).toEqual([1, 1, 0]);
	});

	test("within the prices changes nothing that is paid", () => {
		const placed = priced({ lines: lines([3, 89_999]), tax: INCLUDED, ...to() });
		expect(placed).toMatchObject({ total_minor: 278_997, tax_minor: 27_648 });
		expect(placed.lines[0]).toMatchObject({ paid_minor: 269_997 });
	});

	test("of 0 and of 99.99 % are computed like any other", () => {
		const of = (basis_points: number, is_included: boolean) =>
			priced({ lines: lines([1, 10_000]), tax: { basis_points, is_included } });
		expect(of(0, false)).toMatchObject({ tax_minor: 0, total_minor: 10_000 });
		expect(of(0, true)).toMatchObject({ tax_minor: 0, total_minor: 10_000 });
		expect(of(9_999, false)).toMatchObject({ tax_minor: 9_999, total_minor: 19_999 });
		expect(of(9_999, true)).toMatchObject({ tax_minor: 5_000, total_minor: 10_000 });
	});
});

describe("an amount", () => {
	const MAX = Number.MAX_SAFE_INTEGER;
	const of = (given: Partial<Parameters<typeof price>[0]>) =>
		price({ lines: [], shipping: { method: PICKUP }, tax: NO_TAX, at: NOON, ...given });

	test("is exact up to 2^53 - 1 and refused from 2^53, in goods, tax, shipping and weight", () => {
		const refusal = { refused: "TOTAL_TOO_LARGE" };
		expect(of({ lines: lines([1, MAX]) })).toMatchObject({ total_minor: MAX });
		expect(of({ lines: lines([1, 2 ** 53]) })).toEqual(refusal);
		expect(of({ lines: lines([1, MAX], [1, 1]) })).toEqual(refusal);
		expect(of({ lines: lines([1, MAX]), voucher: { kind: "percent", value: 10_000 } })).toMatchObject({
			discount_minor: MAX,
			total_minor: 0,
		});
		// The subtotal is an amount of the order too.
		expect(of({ lines: lines([1, 2 ** 53]), voucher: { kind: "percent", value: 10_000 } })).toEqual(refusal);
		expect(of({ lines: lines([1, MAX]), tax: { basis_points: 1, is_included: false } })).toEqual(refusal);
		expect(of({ lines: lines([1, MAX]), tax: { basis_points: 9_999, is_included: true } })).toMatchObject({
			tax_minor: 4_503_374_436_129_565,
		});
		expect(of({ lines: lines([1, MAX]), ...to(flat(1)) })).toEqual(refusal);
		const heavy = flat(0, { bands: [], per_extra_kg_minor: MAX });
		expect(of({ lines: [{ price_minor: 1, quantity: 2, weight_g: 1_000 }], ...to(heavy) })).toEqual(refusal);
		expect(of({ lines: [{ price_minor: 1, quantity: 10_000, weight_g: MAX }] })).toEqual(refusal);
		expect(availableMethods([heavy], BANDUNG, 2_000)).toEqual([{ method: PICKUP, fee_minor: 0 }]);
	});

	test("of 100 lines of 10,000 units at the highest price, with 99.99 % off and 99.99 % tax, adds up", () => {
		const many = Array.from({ length: 100 }, (_, index) => ({
			price_minor: 9_007_199_254 - index,
			quantity: 10_000,
			weight_g: 2_147_483,
		}));
		for (const is_included of [true, false]) {
			const placed = priced({
				lines: many,
				voucher: { kind: "percent", value: 9_999 },
				tax: { basis_points: 9_999, is_included },
				...to(flat(0, { bands: [], per_extra_kg_minor: 1 })),
			});
			expect(sum(placed.lines.map((line) => line.discount_minor))).toBe(placed.discount_minor);
			expect(sum([...placed.lines, placed.shipping].map((line) => line.tax_minor))).toBe(placed.tax_minor);
			expect(sum([...placed.lines, placed.shipping].map((line) => line.paid_minor))).toBe(placed.total_minor);
		}
	});

	test("that is negative or has decimals is no price", () => {
		expect(() => of({ lines: lines([1, -1]) })).toThrow(RangeError);
		expect(() => of({ lines: lines([-1, 1]) })).toThrow(RangeError);
		expect(() => of({ lines: lines([1, 0.5]) })).toThrow(RangeError);
		expect(() => of({ lines: lines([1, 1]), voucher: { kind: "amount", value: -1 } })).toThrow(RangeError);
	});
});

test("lines of one product are summed, in the order in which the products come first", () => {
	expect(
		mergeLines([
			{ product_id: "b", quantity: 1, name: "first" },
			{ product_id: "a", quantity: 2, name: "other" },
			{ product_id: "b", quantity: 3, name: "second" },
		]),
	).toEqual([
		{ product_id: "b", quantity: 4, name: "first" },
		{ product_id: "a", quantity: 2, name: "other" },
	]);
});

test("what is spread goes by largest remainder, and of equal ones to the first line", () => {
	expect(spread(2n, [1n, 1n, 1n])).toEqual([1n, 1n, 0n]);
	expect(spread(10n, [1n, 2n, 4n])).toEqual([1n, 3n, 6n]);
	expect(spread(1n, [0n, 1n, 1n])).toEqual([0n, 1n, 0n]);
	expect(spread(0n, [0n, 0n])).toEqual([0n, 0n]);
	expect(() => spread(1n, [0n])).toThrow(RangeError);
});

test.each([
	[0, 0],
	[1.15, 115],
	[11, 1100],
	["11.5", 1150],
	[99.99, 9999],
	["100.00", 10_000],
	["0.01", 1],
	[0.001, undefined],
	[-1, undefined],
	[1e21, undefined],
	["11,5", undefined],
	["", undefined],
	[Number.NaN, undefined],
])("a percentage of %p is %p basis points", (percent, expected) => {
	expect(basisPoints(percent)).toBe(expected);
});
