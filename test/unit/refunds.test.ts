import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import {
	type PaidOrder,
	partOf,
	type Refund,
	type RefundRequest,
	refundable,
	refundOf,
	refundOfRest,
} from "../../services/orders/pricing/refunds.ts";
import { anyInput, priced, sum } from "./priced.ts";

const RUNS = { numRuns: 500 };

/** An order of 3 units for 100, 1 unit for 50 and shipping for 9. */
const ORDER: PaidOrder = {
	lines: [
		{ line: 1, quantity: 3, paid_minor: 100, refunded_quantity: 0 },
		{ line: 2, quantity: 1, paid_minor: 50, refunded_quantity: 0 },
	],
	shipping_paid_minor: 9,
	is_shipping_refunded: false,
	refunded_minor: 0,
};

/** Returns the order after a refund, as a database records it. */
function recorded(order: PaidOrder, refund: Refund, { shipping = false }: RefundRequest): PaidOrder {
	const of = (line: number) => refund.items.find((item) => item.line === line)?.quantity ?? 0;
	return {
		...order,
		lines: order.lines.map((each) => ({
			...each,
			refunded_quantity: each.refunded_quantity + of(each.line),
		})),
		is_shipping_refunded: order.is_shipping_refunded || shipping,
		refunded_minor: order.refunded_minor + refund.total_minor,
	};
}

function refunded(order: PaidOrder, request: RefundRequest): Refund {
	const refund = refundOf(order, request);
	if ("refused" in refund) {
		throw new Error(JSON.stringify(refund));
	}
	return refund;
}

const take = (order: PaidOrder, request: RefundRequest) => recorded(order, refunded(order, request), request);

const paidFor = (order: PaidOrder) =>
	sum([...order.lines.map((line) => line.paid_minor), order.shipping_paid_minor]);

/** An order as it was priced, with nothing given back. */
const anyOrder = anyInput.map((input): PaidOrder => {
	const { lines, shipping } = priced(input);
	return {
		lines: lines.map(({ paid_minor }, index) => ({
			line: index + 1,
			quantity: input.lines[index]?.quantity ?? 0,
			paid_minor,
			refunded_quantity: 0,
		})),
		shipping_paid_minor: shipping.paid_minor,
		is_shipping_refunded: false,
		refunded_minor: 0,
	};
});

/** Numbers that decide which part of what is left each refund takes. */
const parts = fc.array(fc.record({ line: fc.nat(), units: fc.nat(10_000), amount: fc.nat(10_000) }), {
	maxLength: 12,
});

describe("units of a line", () => {
	test("give back the next part of what was paid, rounded down (R4)", () => {
		const one = { items: [{ line: 1, quantity: 1 }] };
		const amounts = [ORDER, take(ORDER, one), take(take(ORDER, one), one)].map(
			(order) => refunded(order, one).total_minor,
		);
		expect(amounts).toEqual([33, 33, 34]);
		expect(refunded(ORDER, { items: [{ line: 1, quantity: 2 }] }).total_minor).toBe(66);
	});

	test("are counted together if a request names their line twice", () => {
		const twice = {
			items: [
				{ line: 1, quantity: 1 },
				{ line: 1, quantity: 2 },
			],
		};
		expect(refunded(ORDER, twice).items).toEqual([{ line: 1, quantity: 3, amount_minor: 100 }]);
		const thrice = { items: [...twice.items, { line: 1, quantity: 1 }] };
		expect(refundOf(ORDER, thrice)).toEqual({ refused: "REFUND_TOO_LARGE", refundable_minor: 159 });
	});

	test("give parts of any partition that sum to the whole, also of a tax, up to 2^53 - 1", () => {
		const quantity = fc.oneof(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 10_000 }));
		fc.assert(
			fc.property(fc.maxSafeNat(), quantity, fc.array(fc.nat(10_000)), (amount, units, cuts) => {
				const bounds = [0, ...cuts.map((cut) => cut % (units + 1)).sort((a, b) => a - b), units];
				const given = bounds.slice(1).map((to, index) => partOf(amount, units, bounds[index] as number, to));
				expect(given.every((part) => part >= 0)).toBe(true);
				expect(sum(given)).toBe(amount);
			}),
			RUNS,
		);
	});
});

describe("a refund", () => {
	test("is the sum of units, shipping and an amount for neither", () => {
		const request = { items: [{ line: 2, quantity: 1 }], shipping: true, amount_minor: 5 };
		expect(refunded(ORDER, request)).toEqual({
			items: [{ line: 2, quantity: 1, amount_minor: 50 }],
			shipping_minor: 9,
			other_minor: 5,
			total_minor: 64,
		});
	});

	test.each<[string, PaidOrder, RefundRequest, object]>([
		[
			"a line that is not there",
			ORDER,
			{ items: [{ line: 3, quantity: 1 }] },
			{ refused: "LINE_NOT_FOUND", line: 3 },
		],
		[
			"more units than were bought",
			ORDER,
			{ items: [{ line: 2, quantity: 2 }] },
			{ refused: "REFUND_TOO_LARGE", refundable_minor: 159 },
		],
		[
			"an amount of more than is left",
			ORDER,
			{ amount_minor: 160 },
			{ refused: "REFUND_TOO_LARGE", refundable_minor: 159 },
		],
		[
			"shipping twice",
			take(ORDER, { shipping: true }),
			{ shipping: true },
			{ refused: "REFUND_TOO_LARGE", refundable_minor: 150 },
		],
		[
			"units for which the money was given back",
			take(ORDER, { amount_minor: 100 }),
			{ items: [{ line: 1, quantity: 3 }] },
			{ refused: "REFUND_TOO_LARGE", refundable_minor: 59 },
		],
		[
			"an amount that is more with the units",
			ORDER,
			{ items: [{ line: 1, quantity: 3 }], amount_minor: 60 },
			{ refused: "REFUND_TOO_LARGE", refundable_minor: 159 },
		],
		["nothing", ORDER, {}, { refused: "EMPTY_REFUND" }],
		["no units", ORDER, { items: [], shipping: false, amount_minor: 0 }, { refused: "EMPTY_REFUND" }],
	])("of %s is refused", (_, order, request, refusal) => {
		expect(refundOf(order, request)).toEqual(refusal);
	});

	test("of units that cost nothing gives the units back", () => {
		const free = { ...ORDER, lines: [{ line: 1, quantity: 2, paid_minor: 0, refunded_quantity: 0 }] };
		expect(refunded(free, { items: [{ line: 1, quantity: 2 }] })).toMatchObject({ total_minor: 0 });
	});

	test("of a negative number of units is no refund", () => {
		expect(() => refundOf(ORDER, { items: [{ line: 1, quantity: -1 }] })).toThrow(RangeError);
		expect(() => refundOf(ORDER, { amount_minor: -1 })).toThrow(RangeError);
	});
});

describe("the rest", () => {
	test("is all units, shipping and money that are left", () => {
		const order = take(ORDER, { items: [{ line: 1, quantity: 1 }] });
		expect(refundOfRest(order)).toEqual({
			items: [
				{ line: 1, quantity: 2, amount_minor: 67 },
				{ line: 2, quantity: 1, amount_minor: 50 },
			],
			shipping_minor: 9,
			other_minor: 0,
			total_minor: 126,
		});
	});

	test("gives less for the last lines where an amount for neither was given back", () => {
		expect(refundOfRest(take(ORDER, { amount_minor: 30 }))).toEqual({
			items: [
				{ line: 1, quantity: 3, amount_minor: 100 },
				{ line: 2, quantity: 1, amount_minor: 29 },
			],
			shipping_minor: 0,
			other_minor: 0,
			total_minor: 129,
		});
	});

	test("of an order that was given back is nothing", () => {
		const all = take(ORDER, {
			items: [
				{ line: 1, quantity: 3 },
				{ line: 2, quantity: 1 },
			],
			shipping: true,
		});
		expect(refundOfRest(all)).toEqual({ items: [], shipping_minor: 0, other_minor: 0, total_minor: 0 });
		expect(refundable(all)).toMatchObject({ shipping_minor: 0, total_minor: 0 });
	});
});

describe("refunds of any order", () => {
	test("of units and shipping, in any partition and order, sum to what was paid", () => {
		fc.assert(
			fc.property(anyOrder, parts, fc.nat(), (order, given, when) => {
				const amounts: number[] = [];
				let left = order;
				const give = (request: RefundRequest) => {
					amounts.push(refunded(left, request).total_minor);
					left = take(left, request);
				};
				for (const [index, { line: chosen, units }] of given.entries()) {
					if (index === when % given.length) {
						give({ shipping: true });
					}
					const line = left.lines[chosen % left.lines.length] as PaidOrder["lines"][number];
					const quantity = 1 + (units % Math.max(1, line.quantity - line.refunded_quantity));
					if (quantity <= line.quantity - line.refunded_quantity) {
						give({ items: [{ line: line.line, quantity }] });
					}
				}
				for (const line of left.lines) {
					if (line.quantity > line.refunded_quantity) {
						give({ items: [{ line: line.line, quantity: line.quantity - line.refunded_quantity }] });
					}
				}
				if (!left.is_shipping_refunded) {
					give({ shipping: true });
				}
				expect(amounts.every((amount) => amount >= 0)).toBe(true);
				expect(sum(amounts)).toBe(paidFor(order));
			}),
			RUNS,
		);
	});

	test("and amounts, with the rest at the end, sum to what was paid; none is accepted beyond what is left", () => {
		fc.assert(
			fc.property(anyOrder, parts, (order, given) => {
				let left = order;
				for (const { line: chosen, units, amount } of given) {
					const line = left.lines[chosen % left.lines.length] as PaidOrder["lines"][number];
					const total = refundable(left).total_minor;
					const request = {
						items: units % 2 === 0 ? [] : [{ line: line.line, quantity: 1 + (units % line.quantity) }],
						amount_minor: Number((BigInt(total) * BigInt(amount)) / 9_000n),
						shipping: units % 3 === 0,
					};
					const refund = refundOf(left, request);
					if ("refused" in refund) {
						expect(["REFUND_TOO_LARGE", "EMPTY_REFUND"]).toContain(refund.refused);
						continue;
					}
					left = recorded(left, refund, request);
					expect(left.refunded_minor).toBeLessThanOrEqual(paidFor(order));
					expect(left.lines.every(({ quantity, refunded_quantity }) => refunded_quantity <= quantity)).toBe(
						true,
					);
				}
				const rest = refundOfRest(left);
				expect(
					sum([...rest.items.map((item) => item.amount_minor), rest.shipping_minor, rest.other_minor]),
				).toBe(rest.total_minor);
				expect(left.refunded_minor + rest.total_minor).toBe(paidFor(order));
				left = recorded(left, rest, { shipping: true });
				expect(left.lines.every(({ quantity, refunded_quantity }) => refunded_quantity === quantity)).toBe(
					true,
				);
				expect(refundable(left).total_minor).toBe(0);
			}),
			RUNS,
		);
	});

	test("offer for each line and shipping what a refund of it would give", () => {
		fc.assert(
			fc.property(anyOrder, (order) => {
				const { lines, shipping_minor, total_minor } = refundable(order);
				for (const { line, quantity, amount_minor } of lines) {
					expect(refunded(order, { items: [{ line, quantity }] }).total_minor).toBe(amount_minor);
				}
				expect(refunded(order, { shipping: true }).total_minor).toBe(shipping_minor);
				expect(total_minor).toBe(paidFor(order));
			}),
			RUNS,
		);
	});
});
