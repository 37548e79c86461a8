import { afterEach, describe, expect, jest, test } from "@jest/globals";

afterEach(() => {
	jest.resetModules();
});

async function money(decimals?: string) {
	const { replaceSettings } = await import("../../config/settings.ts");
	replaceSettings({ CURRENCY_DECIMALS: decimals });
	return import("../../contracts/money.ts");
}

describe("a price in rupiah", () => {
	test("is a whole number, and kept as it is", async () => {
		const { price, toMinor, fromMinor } = await money();
		expect(price.safeParse(1_250_000).success).toBe(true);
		expect(price.safeParse(0.5).success).toBe(false);
		expect(price.safeParse(-1).success).toBe(false);
		expect(price.safeParse(Number.NaN).success).toBe(false);
		expect(price.safeParse("5").success).toBe(false);
		expect([toMinor(85_000), fromMinor(85_000)]).toEqual([85_000, 85_000]);
	});
});

describe("a price in a currency with two decimals", () => {
	test("has at most two, and is kept as cents without a rounding error", async () => {
		const { price, toMinor, fromMinor } = await money("2");
		for (const value of [0.1, 0.29, 1.15, 19.99, 4.35, 1_000_000.01]) {
			expect(price.safeParse(value).success).toBe(true);
			expect(Number.isInteger(toMinor(value))).toBe(true);
			expect(fromMinor(toMinor(value))).toBe(value);
		}
		expect(price.safeParse(1.999).success).toBe(false);
	});
});

test.each(["0", "2", "4"])(
	"with %s decimals a sum is whole in the smallest unit, and can be kept",
	async (decimals) => {
		const { amount, toMinor } = await money(decimals);
		const factor = 10 ** Number(decimals);
		expect(amount.safeParse(85_000).success).toBe(true);
		expect(amount.safeParse(85_000 + 1 / factor).success).toBe(true);
		for (const wrong of [
			85_000 + 0.4 / factor,
			85_000.5 / factor,
			-1,
			1e21,
			Number.MAX_SAFE_INTEGER + 1,
			Infinity,
		]) {
			expect({ wrong, isTaken: amount.safeParse(wrong).success }).toEqual({ wrong, isTaken: false });
		}
		const largest = Math.floor(Number.MAX_SAFE_INTEGER / factor);
		expect(amount.safeParse(largest).success).toBe(true);
		expect(amount.safeParse(largest + 1).success).toBe(false);
		expect(Number.isSafeInteger(toMinor(largest))).toBe(true);
	},
);

test("decimals that are no digit are refused", async () => {
	await expect(money("two")).rejects.toThrow(/CURRENCY_DECIMALS must be a digit/);
});
