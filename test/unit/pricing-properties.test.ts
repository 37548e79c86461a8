import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { divideHalfUp, spread } from "../../services/orders/pricing/arithmetic.ts";
import { type Price, type PriceInput, price } from "../../services/orders/pricing/price.ts";
import { anyInput, anyLines, anyTax, flat, NOON, priced, sum } from "./priced.ts";

const RUNS = { numRuns: 500 };
const DESTINATION = { country: "ID" };
const natural = fc.bigInt({ min: 0n, max: 2n ** 70n });

/** Weights that include equal ones and zeros. */
const weights = fc.array(fc.oneof(fc.bigInt({ min: 0n, max: 3n }), natural), { minLength: 1, maxLength: 20 });

const all = (values: readonly bigint[]) => values.reduce((sum, value) => sum + value, 0n);

test("of 1000 orders that are tested, at least 20 have each kind of discount, fee, tax and reason", () => {
	const placed = fc
		.sample(anyInput, { numRuns: 1000, seed: 1 })
		.map((input) => ({ ...input, price: priced(input) }));
	const count = (condition: (each: (typeof placed)[number]) => boolean) => placed.filter(condition).length;
	const counts = {
		partOfGoods: count(({ price }) =>
			price.lines.some((line) => line.discount_minor > 0 && line.paid_minor > 0),
		),
		wholeGoods: count(({ price }) =>
			price.lines.some((line) => line.discount_minor > 0 && line.paid_minor === 0),
		),
		fee: count(({ price }) => price.shipping_minor > 0),
		discountedFee: count(({ price }) => price.shipping.discount_minor > 0),
		taxWithin: count(({ tax, price }) => tax.is_included && price.tax_minor > 0),
		taxAdded: count(({ tax, price }) => !tax.is_included && price.tax_minor > 0),
		reason: count(({ price }) => price.reasons.length > 0),
		noReason: count(({ price }) => price.reasons.length === 0),
	};
	expect(Object.entries(counts).filter(([, orders]) => orders < 20)).toEqual([]);
});

describe("whatever is ordered", () => {
	test("no amount is negative or has decimals, and no discount exceeds what it discounts", () => {
		fc.assert(
			fc.property(anyInput, (input) => {
				const placed = priced(input);
				const { lines, shipping, reasons, ...amounts } = placed;
				const every = [
					Object.values(amounts),
					...[...lines, shipping].map((line) => Object.values(line)),
				].flat();
				expect(every.filter((amount) => !Number.isSafeInteger(amount) || amount < 0)).toEqual([]);
				for (const line of [...lines, shipping]) {
					expect(line.discount_minor).toBeLessThanOrEqual(line.subtotal_minor);
					expect(line.paid_minor).toBe(
						line.subtotal_minor - line.discount_minor + (input.tax.is_included ? 0 : line.tax_minor),
					);
				}
			}),
			RUNS,
		);
	});

	test("the lines and shipping add up to the sums, and these to the total (R5)", () => {
		fc.assert(
			fc.property(anyInput, (input) => {
				const { lines, shipping, ...sums } = priced(input);
				const every = [...lines, shipping];
				expect(sum(lines.map((line) => line.subtotal_minor))).toBe(sums.subtotal_minor);
				expect(shipping.subtotal_minor).toBe(sums.shipping_minor);
				expect(sum(every.map((line) => line.discount_minor))).toBe(sums.discount_minor);
				expect(sum(every.map((line) => line.tax_minor))).toBe(sums.tax_minor);
				expect(sum(every.map((line) => line.paid_minor))).toBe(sums.total_minor);
				expect(sums.total_minor).toBe(
					sums.subtotal_minor -
						sums.discount_minor +
						sums.shipping_minor +
						(input.tax.is_included ? 0 : sums.tax_minor),
				);
			}),
			RUNS,
		);
	});

	test("the tax is that of the whole order, half up (R1, R3)", () => {
		fc.assert(
			fc.property(anyInput, ({ tax, ...input }) => {
				const { tax_minor, subtotal_minor, discount_minor, shipping_minor } = priced({ tax, ...input });
				const base = BigInt(subtotal_minor) - BigInt(discount_minor) + BigInt(shipping_minor);
				const divisor = tax.is_included ? 10_000n + BigInt(tax.basis_points) : 10_000n;
				// The nearest integer t to base × rate / divisor, the larger of two: 2t - 1 <= 2 × exact < 2t + 1.
				const twice = 2n * base * BigInt(tax.basis_points);
				const t = BigInt(tax_minor);
				expect((2n * t - 1n) * divisor <= twice && twice < (2n * t + 1n) * divisor).toBe(true);
			}),
			RUNS,
		);
	});

	test("quoting twice is the same, and changes nothing of the request", () => {
		fc.assert(
			fc.property(anyInput, (input) => {
				const before = structuredClone(input);
				const first = price(input);
				expect(price(input)).toEqual(first);
				expect(input).toEqual(before);
			}),
			RUNS,
		);
	});

	test("the order of lines changes no sum, and shares by one unit at most, where remainders are equal", () => {
		const permuted = anyInput.chain((input) =>
			fc
				.shuffledSubarray([...input.lines.keys()], { minLength: input.lines.length })
				.map((order) => ({ input, order })),
		);
		fc.assert(
			fc.property(permuted, ({ input, order }) => {
				const first = priced(input);
				const other = priced({ ...input, lines: order.map((index) => input.lines[index] as never) });
				const { lines: ofFirst, shipping: fee, ...sums } = first;
				const { lines: ofOther, shipping: otherFee, ...otherSums } = other;
				expect(otherSums).toEqual(sums);
				const back = order.map((_, place) => ofOther[order.indexOf(place)]);
				if (!hasTies(input, first)) {
					expect([...back, otherFee]).toEqual([...ofFirst, fee]);
				}
				for (const [place, line] of ofFirst.entries()) {
					const moved = back[place] as typeof line;
					expect(Math.abs(moved.discount_minor - line.discount_minor)).toBeLessThanOrEqual(1);
				}
			}),
			RUNS,
		);
	});
});

/** Reports whether two lines of an order have equal remainders, of discount or tax, so that their order decides. */
function hasTies({ lines, voucher }: PriceInput, placed: Price): boolean {
	const repeats = (amount: number, weights: number[]) => {
		const given = weights.map(BigInt).filter((weight) => weight > 0n);
		const remainders = given.map((weight) => (BigInt(amount) * weight) % all(given));
		return new Set(remainders).size < remainders.length;
	};
	const eligible = lines.map(({ category }, place) =>
		voucher?.category == null || voucher.category === category
			? (placed.lines[place]?.subtotal_minor as number)
			: 0,
	);
	const net = [...placed.lines, placed.shipping].map((line) => line.subtotal_minor - line.discount_minor);
	const onGoods = placed.discount_minor - placed.shipping.discount_minor;
	return repeats(onGoods, eligible) || repeats(placed.tax_minor, net);
}

describe("what is spread", () => {
	test("is spread exactly, each share within one unit of the exact one, and nothing to a weight of 0", () => {
		fc.assert(
			fc.property(natural, weights, (amount, given) => {
				fc.pre(all(given) > 0n);
				const shares = spread(amount, given);
				expect(all(shares)).toBe(amount);
				for (const [place, share] of shares.entries()) {
					const weight = given[place] as bigint;
					const floor = (amount * weight) / all(given);
					expect(share === floor || share === floor + 1n).toBe(true);
					expect(weight > 0n || share === 0n).toBe(true);
				}
			}),
			RUNS,
		);
	});

	test("rounds up the largest remainders, of equal ones those of the lower lines", () => {
		fc.assert(
			fc.property(natural, weights, (amount, given) => {
				const sum = all(given);
				fc.pre(sum > 0n);
				const lines = spread(amount, given).map((share, place) => {
					const exact = amount * (given[place] as bigint);
					return { place, remainder: exact % sum, isRoundedUp: share > exact / sum };
				});
				for (const up of lines.filter(({ isRoundedUp }) => isRoundedUp)) {
					for (const down of lines.filter(({ isRoundedUp }) => !isRoundedUp)) {
						const isEarlier = up.remainder === down.remainder && up.place < down.place;
						expect(up.remainder > down.remainder || isEarlier).toBe(true);
					}
				}
			}),
			RUNS,
		);
	});

	test("exceeds no weight while it does not exceed their sum", () => {
		fc.assert(
			fc.property(weights, fc.integer({ min: 0, max: 10_000 }), (given, part) => {
				const amount = (all(given) * BigInt(part)) / 10_000n;
				for (const [place, share] of spread(amount, given).entries()) {
					expect(share <= (given[place] as bigint)).toBe(true);
				}
			}),
			RUNS,
		);
	});
});

test("a quotient is rounded half up: it is the largest integer at most half above the exact one", () => {
	fc.assert(
		fc.property(natural, fc.bigInt({ min: 1n, max: 2n ** 40n }), (dividend, divisor) => {
			const rounded = divideHalfUp(dividend, divisor);
			expect((2n * rounded - 1n) * divisor <= 2n * dividend).toBe(true);
			expect(2n * dividend < (2n * rounded + 1n) * divisor).toBe(true);
		}),
		RUNS,
	);
	expect([divideHalfUp(5n, 10n), divideHalfUp(4n, 10n), divideHalfUp(15n, 10n)]).toEqual([1n, 0n, 2n]);
});

describe("the total never falls", () => {
	const amount = fc.integer({ min: 0, max: 1_000_000 });
	const value = fc.integer({ min: 1, max: 10_000 });
	const ordered = (numbers: fc.Arbitrary<number>) =>
		fc.tuple(numbers, numbers).map(([a, b]) => [Math.min(a, b), Math.max(a, b)] as const);
	const totals = (low: Partial<PriceInput>, high: Partial<PriceInput>) => {
		const [a, b] = [low, high].map((given) => priced({ at: NOON, ...given }).total_minor);
		expect(a as number).toBeLessThanOrEqual(b as number);
	};

	test("with a higher price or quantity of a line, at the same percentage off", () => {
		fc.assert(
			fc.property(
				anyLines,
				anyTax,
				value,
				fc.nat(),
				amount,
				fc.nat(100),
				(lines, tax, percent, place, price, units) => {
					const chosen = place % lines.length;
					const more = lines.map((line, index) =>
						index === chosen
							? { ...line, price_minor: line.price_minor + price, quantity: line.quantity + units }
							: line,
					);
					const voucher = { kind: "percent", value: percent } as const;
					totals({ lines, tax, voucher }, { lines: more, tax, voucher });
				},
			),
			RUNS,
		);
	});

	test("with a smaller voucher", () => {
		fc.assert(
			fc.property(
				anyLines,
				anyTax,
				ordered(value),
				fc.constantFrom("percent", "amount"),
				(lines, tax, [low, high], kind) => {
					totals(
						{ lines, tax, voucher: { kind, value: high } },
						{ lines, tax, voucher: { kind, value: low } },
					);
				},
			),
			RUNS,
		);
	});

	test("with a higher fee or rate of tax", () => {
		fc.assert(
			fc.property(anyLines, ordered(amount), ordered(fc.nat(9999)), (lines, [low, high], [lower, higher]) => {
				const terms = (fee: number, basis_points: number) => ({
					lines,
					shipping: { method: flat(fee, { per_extra_kg_minor: 0 }), destination: DESTINATION },
					tax: { basis_points, is_included: false },
				});
				totals(terms(low, lower), terms(high, higher));
			}),
			RUNS,
		);
	});

	test("with a greater weight, where heavier bands cost no less", () => {
		fc.assert(
			fc.property(
				fc.array(ordered(amount), { maxLength: 4 }),
				ordered(fc.nat(3_000_000)),
				fc.nat(10_000),
				(given, [light, heavy], per_extra_kg_minor) => {
					const weights = given.map(([up_to_g]) => up_to_g).sort((a, b) => a - b);
					const fees = given.map(([, fee_minor]) => fee_minor).sort((a, b) => a - b);
					const bands = weights.map((up_to_g, index) => ({ up_to_g, fee_minor: fees[index] as number }));
					const shipping = { method: flat(0, { bands, per_extra_kg_minor }), destination: DESTINATION };
					const weighing = (weight_g: number) => [{ price_minor: 1, quantity: 1, weight_g }];
					totals({ lines: weighing(light), shipping }, { lines: weighing(heavy), shipping });
				},
			),
			RUNS,
		);
	});
});
