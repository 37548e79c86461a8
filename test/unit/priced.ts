import fc from "fast-check";
import { type Line, type Price, type PriceInput, price } from "../../services/orders/pricing/price.ts";
import { PICKUP, type ShippingMethod } from "../../services/orders/pricing/shipping.ts";
import { NO_TAX } from "../../services/orders/pricing/tax.ts";
import type { Voucher } from "../../services/orders/pricing/vouchers.ts";

export const NOON = new Date("2026-11-26T12:00:00.000Z");

/** Returns a method that ships any weight to all of Indonesia for this fee. */
export const flat = (fee_minor: number, more: Partial<ShippingMethod> = {}): ShippingMethod => ({
	code: "reguler",
	zones: [{ country: "ID" }],
	bands: [{ up_to_g: 1_000_000, fee_minor }],
	...more,
});

export const lines = (...given: [quantity: number, price_minor: number, category?: string][]): Line[] =>
	given.map(([quantity, price_minor, category]) => ({ price_minor, quantity, category: category ?? null }));

/** Returns the price of an order that is not too large; without further terms it is collected, and there is no tax. */
export function priced(given: Partial<PriceInput>): Price {
	const result = price({ lines: [], shipping: { method: PICKUP }, tax: NO_TAX, at: NOON, ...given });
	if ("refused" in result) {
		throw new Error(result.refused);
	}
	return result;
}

export const sum = (values: readonly number[]) =>
	Number(values.reduce((all, each) => all + BigInt(each), 0n));

const amount = fc.oneof(fc.integer({ min: 0, max: 1000 }), fc.integer({ min: 0, max: 1_000_000_000_000 }));
const optional = <T>(value: fc.Arbitrary<T>) => fc.option(value, { freq: 3 });

const line: fc.Arbitrary<Line> = fc.record({
	price_minor: amount,
	quantity: fc.oneof(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 10_000 })),
	weight_g: fc.integer({ min: 0, max: 30_000 }),
	requires_shipping: fc.boolean(),
	category: fc.constantFrom("kopi", "teh", null),
});

/** Up to 12 lines, whose sums stay below 2^53. */
export const anyLines = fc
	.array(line, { minLength: 1, maxLength: 12 })
	.filter((given) => given.reduce((all, each) => all + each.price_minor * each.quantity, 0) < 1e14);

/** Amounts of vouchers, of which some exceed any order. */
const off = fc.oneof(amount, fc.constant(1e15));

export const anyVoucher: fc.Arbitrary<Voucher> = fc
	.record({
		terms: fc.oneof(
			fc.record({ kind: fc.constant("percent" as const), value: fc.integer({ min: 1, max: 10_000 }) }),
			fc.record({ kind: fc.constant("amount" as const), value: off }),
			fc.record({ kind: fc.constant("shipping" as const), value: optional(off) }),
		),
		conditions: fc.record({
			cap_minor: optional(off),
			min_subtotal_minor: optional(fc.integer({ min: 0, max: 10_000 })),
			category: fc.constantFrom("kopi", null, null),
		}),
	})
	.map(({ terms, conditions }) => ({ ...conditions, ...terms }));

export const anyTax = fc.record({
	basis_points: fc.oneof(fc.constantFrom(0, 1, 1000, 1100, 9999), fc.integer({ min: 0, max: 9999 })),
	is_included: fc.boolean(),
});

const anyMethod: fc.Arbitrary<ShippingMethod> = fc.record({
	code: fc.constant("reguler"),
	zones: fc.oneof(
		{ weight: 5, arbitrary: fc.constant([{ country: "ID" }]) },
		{ weight: 1, arbitrary: fc.constant([{ country: "SG" }]) },
	),
	bands: fc.array(fc.record({ up_to_g: fc.integer({ min: 0, max: 100_000 }), fee_minor: amount }), {
		maxLength: 3,
	}),
	per_extra_kg_minor: optional(fc.integer({ min: 0, max: 50_000 })),
	free_from_minor: optional(off),
});

/** Everything that decides the price of an order. */
export const anyInput: fc.Arbitrary<PriceInput> = fc.record({
	lines: anyLines,
	voucher: optional(anyVoucher),
	shipping: optional(
		fc.record({
			method: fc.oneof({ weight: 5, arbitrary: anyMethod }, { weight: 1, arbitrary: fc.constant(PICKUP) }),
			destination: fc.constant({ country: "ID", province: "Jawa Barat", postal_code: "40115" }),
		}),
	),
	tax: anyTax,
	at: fc.constant(NOON),
});
