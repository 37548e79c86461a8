import { describe, expect, test } from "@jest/globals";
import { availableMethods, PICKUP } from "../../services/orders/pricing/shipping.ts";
import { flat, lines, priced } from "./priced.ts";

const BANDUNG = { country: "ID", province: "Jawa Barat", postal_code: "40115" };
const to = (method = flat(9_000), destination = BANDUNG) => ({ shipping: { method, destination } });

describe("shipping", () => {
	const weighing = (weight_g: number, quantity = 1) => [{ price_minor: 100, quantity, weight_g }];
	const method = flat(0, {
		// Not sorted: the lightest band that the weight does not exceed applies.
		bands: [
			{ up_to_g: 5_000, fee_minor: 20_000 },
			{ up_to_g: 1_000, fee_minor: 9_000 },
		],
		per_extra_kg_minor: 4_000,
	});

	test.each([
		[0, 9_000],
		[1_000, 9_000],
		[1_001, 20_000],
		[5_000, 20_000],
		[5_001, 24_000],
		[6_000, 24_000],
		[6_001, 28_000],
	])("of %d g costs %d", (weight_g, fee) => {
		expect(priced({ lines: weighing(weight_g), ...to(method) })).toMatchObject({
			shipping_minor: fee,
			weight_g,
		});
	});

	test("weighs all units of the lines that are shipped, and no others", () => {
		const given = [
			...weighing(400, 3),
			{ price_minor: 100, quantity: 9, weight_g: 9_000, requires_shipping: false },
		];
		expect(priced({ lines: given, ...to(method) })).toMatchObject({
			weight_g: 1_200,
			shipping_minor: 20_000,
		});
	});

	test("needs no method and costs nothing if no line is shipped", () => {
		const given = [{ price_minor: 100, quantity: 1, requires_shipping: false }];
		for (const shipping of [null, to(flat(9_000, { zones: [] })).shipping]) {
			expect(priced({ lines: given, shipping })).toMatchObject({
				shipping_minor: 0,
				total_minor: 100,
				reasons: [],
			});
		}
	});

	test("above the heaviest band is not offered where nothing extends it", () => {
		const light = { ...method, per_extra_kg_minor: null };
		expect(priced({ lines: weighing(5_001), ...to(light) })).toMatchObject({
			shipping_minor: 0,
			reasons: [{ about: "shipping", reason: "too_heavy" }],
		});
	});

	test("without a method, without an address, or outside all zones has its reason", () => {
		const reasonsOf = (given: Parameters<typeof priced>[0]) =>
			priced({ lines: weighing(1), ...given }).reasons;
		expect(reasonsOf({ shipping: null })).toEqual([{ about: "shipping", reason: "no_method" }]);
		expect(reasonsOf({ shipping: { method } })).toEqual([{ about: "shipping", reason: "no_address" }]);
		expect(reasonsOf(to(method, { ...BANDUNG, country: "SG" }))).toEqual([
			{ about: "shipping", reason: "outside_zones" },
		]);
	});

	test("is free from an amount of goods after the discount", () => {
		const free = flat(9_000, { free_from_minor: 100_000 });
		const of = (value: number) =>
			priced({ lines: lines([1, 101_000]), voucher: { kind: "amount", value }, ...to(free) }).shipping_minor;
		expect([of(1_000), of(1_001)]).toEqual([0, 9_000]);
	});

	test("reaches a country, a province in any case, and postal codes by their beginning", () => {
		const java = flat(1, { code: "jawa", zones: [{ country: "ID", province: "jawa barat" }] });
		const city = flat(2, { code: "kota", zones: [{ country: "ID", postal_prefixes: ["10", "401"] }] });
		const both = flat(3, { code: "dua", zones: [{ country: "SG" }, { country: "ID", postal_prefixes: [] }] });
		const none = flat(4, { code: "tidak", zones: [] });
		const methods = [java, city, both, none];
		const at = (destination: Parameters<typeof availableMethods>[1], weight_g = 1) =>
			availableMethods(methods, destination, weight_g).map(({ method: { code }, fee_minor }) => [
				code,
				fee_minor,
			]);
		expect(at(BANDUNG)).toEqual([
			["jawa", 1],
			["kota", 2],
			["dua", 3],
			["pickup", 0],
		]);
		expect(at({ ...BANDUNG, province: "Banten", postal_code: "40-299" })).toEqual([
			["dua", 3],
			["pickup", 0],
		]);
		expect(at({ ...BANDUNG, province: "Banten", postal_code: "40 199" })).toEqual([
			["kota", 2],
			["dua", 3],
			["pickup", 0],
		]);
		expect(at({ country: "SG" })).toEqual([
			["dua", 3],
			["pickup", 0],
		]);
		expect(at({ country: "ID" })).toEqual([
			["jawa", 1],
			["kota", 2],
			["dua", 3],
			["pickup", 0],
		]);
		expect(at(BANDUNG, 1_000_001)).toEqual([["pickup", 0]]);
		expect(at(null)).toEqual([["pickup", 0]]);
	});

	test("is collected for nothing by anybody, at any weight, whatever a method of that name says", () => {
		const expensive = { ...flat(9_000), code: PICKUP.code };
		expect(availableMethods([expensive], null, 1)).toEqual([{ method: PICKUP, fee_minor: 0 }]);
		expect(priced({ lines: weighing(2_147_483_647, 10_000), shipping: { method: PICKUP } })).toMatchObject({
			shipping_minor: 0,
			reasons: [],
		});
	});
});
