import { expect, describe as group, test } from "@jest/globals";
import { PROBLEMS } from "../../contracts/problem-codes.ts";
import type { ProblemKind } from "../../contracts/problem-kind.ts";
import { describe } from "../../contracts/problems.ts";
import type { ShippingReason } from "../../services/orders/pricing/shipping.ts";
import type { VoucherReason } from "../../services/orders/pricing/vouchers.ts";

/** Every reason by its code, with the data that come with it; a reason too many or too few does not compile. */
const REASONS = {
	SHIPPING_NOT_AVAILABLE: {
		...{ no_method: {}, no_address: {}, outside_zones: {}, too_heavy: {}, unknown_method: {} },
	} satisfies Record<ShippingReason["reason"] | "unknown_method", object>,
	VOUCHER_NOT_APPLICABLE: {
		unknown: {},
		not_started: { starts_at: "2026-12-01T00:00:00.000Z" },
		ended: { ends_at: "2026-11-01T00:00:00.000Z" },
		no_eligible_goods: {},
		below_minimum: { missing: 20_000 },
		nothing_to_discount: {},
	} satisfies Record<VoucherReason["reason"] | "unknown", object>,
	VOUCHER_USED_UP: { max_uses: {}, per_user: {} },
};

group.each(["en", "id"] as const)("in %s", (language) => {
	test.each(
		Object.entries(REASONS).flatMap(([code, reasons]) =>
			Object.entries(reasons).map(([reason, data]) => [code as keyof typeof REASONS, reason, data] as const),
		),
	)("%s says %s in words", (code, reason, data) => {
		const text = describe(code, { reason, ...data }, language);
		expect(text).toMatch(/^[^{}?]+: [^{}?]{5,}\.$/);
		expect(text).not.toContain(`: ${reason}.`);
		for (const value of Object.values(data)) {
			expect(text).toContain(String(value));
		}
	});
});

test("every word is one of a reason", () => {
	const words = Object.entries<ProblemKind>(PROBLEMS).flatMap(([code, { words = {} }]) =>
		Object.keys(words).map((reason) => `${code} ${reason}`),
	);
	const reasons = Object.entries(REASONS).flatMap(([code, known]) =>
		Object.keys(known).map((reason) => `${code} ${reason}`),
	);
	expect(words.sort()).toEqual(reasons.sort());
});

test("a reason without words, such as one of a newer process, is shown as it is", () => {
	expect(describe("VOUCHER_USED_UP", { reason: "per_day" }, "en")).toBe("The voucher is used up: per_day.");
});
