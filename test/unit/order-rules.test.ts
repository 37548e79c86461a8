import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { orders } from "../../contracts/orders.ts";
import { price } from "../../services/orders/pricing/price.ts";
import { PICKUP } from "../../services/orders/pricing/shipping.ts";
import { NO_TAX } from "../../services/orders/pricing/tax.ts";
import { paymentRefusal } from "../../services/orders/refusals.ts";
import {
	BOUGHT,
	INITIAL,
	type OrderStatus,
	SETTLED,
	SOLD,
	TRANSITIONS,
	type Transition,
	type TransitionName,
	UNITS_IN,
} from "../../services/orders/states.ts";
import { argumentsOf } from "../../services/orders/transitions.ts";
import { FATES } from "../../services/products/stream-position.ts";
import { isValidHistory } from "../../tools/audit/orders.ts";

/** Returns the total of an order as it is placed; undefined if it is refused. */
function totalOf(lines: { price_minor: number; quantity: number }[]): number | undefined {
	const priced = price({ lines, shipping: { method: PICKUP }, tax: NO_TAX, at: new Date() });
	return "refused" in priced ? undefined : priced.total_minor;
}

const transitions: [TransitionName, Transition][] = Object.entries(TRANSITIONS) as never;

test("a total is exact up to the largest that JSON carries, and undefined beyond", () => {
	expect(totalOf([])).toBe(0);
	expect(
		totalOf([
			{ price_minor: 1999, quantity: 3 },
			{ price_minor: 1, quantity: 1 },
		]),
	).toBe(5998);
	expect(totalOf([{ price_minor: Number.MAX_SAFE_INTEGER, quantity: 1 }])).toBe(Number.MAX_SAFE_INTEGER);
	expect(
		totalOf([
			{ price_minor: Number.MAX_SAFE_INTEGER, quantity: 1 },
			{ price_minor: 1, quantity: 1 },
		]),
	).toBe(undefined);
	const line = fc.record({ price_minor: fc.maxSafeNat(), quantity: fc.integer({ min: 1, max: 1_000_000 }) });
	fc.assert(
		fc.property(fc.array(line), (lines) => {
			const exact = lines.reduce(
				(sum, { price_minor, quantity }) => sum + BigInt(price_minor) * BigInt(quantity),
				0n,
			);
			expect(totalOf(lines)).toBe(exact > BigInt(Number.MAX_SAFE_INTEGER) ? undefined : Number(exact));
		}),
	);
});

test("every state is reached from the initial one by exactly one transition", () => {
	const reached = transitions.map(([, { to }]) => to);
	expect(new Set([INITIAL, ...reached])).toEqual(new Set(Object.keys(UNITS_IN)));
	expect(reached).toHaveLength(new Set(reached).size);
});

test("the contract gives each transition to those whom the table names, and none to people if that is the shop", () => {
	const roles = { owner: "user", admin: "admin", shop: undefined };
	const actions: Record<string, { permissions: string }> = orders.actions;
	for (const [name, { by }] of transitions) {
		expect([name, actions[name]?.permissions]).toEqual([name, roles[by]]);
	}
});

test("only states that money was received for are sold, and only from them it is returned", () => {
	const received = transitions.filter(([, { money }]) => money === "received").map(([, { to }]) => to);
	const returned = transitions.filter(([, { money }]) => money === "returned");
	for (const [name, { from }] of returned) {
		expect([name, from.filter((status) => !BOUGHT.includes(status))]).toEqual([name, []]);
	}
	const later = transitions.filter(([, { from }]) => from.some((status) => SOLD.includes(status)));
	expect(new Set([...received, ...later.map(([, { to }]) => to)])).toEqual(new Set(SOLD));
	expect(SOLD.filter((status) => !returned.some(([, { to }]) => to === status))).toEqual(BOUGHT);
});

test("only a refund starts from a settled state", () => {
	for (const [name, { from }] of transitions.filter(([name]) => name !== "refund")) {
		expect([name, from.filter((status) => SETTLED.includes(status))]).toEqual([name, []]);
	}
});

test("products settles the held units as the transition of the event decides", () => {
	const decided = transitions.flatMap(([, { event, units }]) =>
		units === "consume" || units === "release" ? [[event, units]] : [],
	);
	expect(FATES).toEqual(Object.fromEntries(decided));
});

test("the hold of an order that was paid is never released, and that of an unpaid one is sold by payment alone", () => {
	for (const [status, fate] of Object.entries(UNITS_IN) as [OrderStatus, string][]) {
		expect([status, fate === "consume"]).toEqual([status, SOLD.includes(status)]);
	}
});

test("a history is legal if each entry is one transition after the last", () => {
	expect(isValidHistory(["pending", "paid", "shipped", "completed", "refunded"], "refunded")).toBe(true);
	expect(isValidHistory(["pending", "paid", "refunded"], "refunded")).toBe(true);
	expect(isValidHistory(["pending", "expired"], "expired")).toBe(true);
	expect(isValidHistory(["pending", "shipped"], "shipped")).toBe(false);
	expect(isValidHistory(["pending", "cancelled", "paid"], "paid")).toBe(false);
	expect(isValidHistory(["paid"], "paid")).toBe(false);
	expect(isValidHistory(["pending", "paid"], "shipped")).toBe(false);
	expect(isValidHistory([], "pending")).toBe(false);
});

test("the database gets the event with its version, and a job only for units that are held", () => {
	expect(argumentsOf("pay")).toEqual({
		from: ["pending"],
		to: "paid",
		event: { name: "order.paid", version: 1 },
		stock_task: "consume_stock",
	});
	expect(argumentsOf("cancel").stock_task).toBe("release_stock");
	expect(argumentsOf("ship").stock_task).toBeNull();
	expect(argumentsOf("refund").stock_task).toBeNull();
});

test.each([
	["paid", "pending", "refunded", false, undefined],
	["settled", "pending", "shipped", false, undefined],
	["settled", "pending", "cancelled", false, "ORDER_IN_OTHER_STATE"],
	["not opened", "pending", "paid", false, undefined],
	["not opened", "paid", "paid", false, "ORDER_IN_OTHER_STATE"],
	["not opened", "paid", "completed", true, undefined],
	["not opened", "expired", "expired", true, "ORDER_IN_OTHER_STATE"],
	["not opened", "pending", "refunded", false, "ORDER_IN_OTHER_STATE"],
	["declined", "pending", "pending", false, "PAYMENT_DECLINED"],
	["declined", "pending", "paid", false, undefined],
	["cancelled", "pending", "expired", false, "PAYMENT_NOT_MADE"],
	["cancelled", "pending", "shipped", false, undefined],
] as const)(
	"an attempt to pay that is %s, of an order that was %s and is %s, repeated: %s, is refused as %s",
	(outcome, before, after, isRepetition, refusal) => {
		expect(paymentRefusal(outcome, before, after, isRepetition)).toBe(refusal);
	},
);
