import { execFileSync } from "node:child_process";
import { beforeEach, describe, expect, jest, test } from "@jest/globals";

beforeEach(() => {
	jest.resetModules();
});

async function formats(env: Record<string, string>) {
	const { replaceSettings } = await import("../../config/settings.ts");
	replaceSettings(env);
	return import("../../contracts/formats.ts");
}

/** Program that prints a time in the same way as a notifications process. */
const PROGRAM = `
	await import(${JSON.stringify(new URL("../../config/environment.ts", import.meta.url))});
	const { moment } = await import(${JSON.stringify(new URL("../../contracts/formats.ts", import.meta.url))});
	console.log(moment("2026-11-23T17:30:00.000Z", "id"));`;

describe.each([
	["IDR", "0", 150_000, "IDR 150,000", "Rp 150.000"],
	["IDR", "0", 0, "IDR 0", "Rp 0"],
	["IDR", "0", 1_000, "IDR 1,000", "Rp 1.000"],
	["IDR", "0", Number.MAX_SAFE_INTEGER, "IDR 9,007,199,254,740,991", "Rp 9.007.199.254.740.991"],
	["JPY", "0", 1_250, "JPY 1,250", "JPY 1.250"],
	["USD", "1", 12_345, "USD 1,234.5", "USD 1.234,5"],
	["USD", "2", 123_456, "USD 1,234.56", "USD 1.234,56"],
	["USD", "2", 5, "USD 0.05", "USD 0,05"],
	["USD", "2", 150_000_00, "USD 150,000.00", "USD 150.000,00"],
	["USD", "2", Number.MAX_SAFE_INTEGER, "USD 90,071,992,547,409.91", "USD 90.071.992.547.409,91"],
	["KWD", "3", Number.MAX_SAFE_INTEGER, "KWD 9,007,199,254,740.991", "KWD 9.007.199.254.740,991"],
	["USD", "4", Number.MAX_SAFE_INTEGER, "USD 900,719,925,474.0991", "USD 900.719.925.474,0991"],
	["USD", "4", Number.MAX_SAFE_INTEGER - 1, "USD 900,719,925,474.0990", "USD 900.719.925.474,0990"],
])("in %s with %s decimals %d of the smallest unit", (currency, decimals, minor, english, indonesian) => {
	test("is written exactly, by the reader's language", async () => {
		const { money } = await formats({ CURRENCY: currency, CURRENCY_DECIMALS: decimals });
		expect([money(minor, "en"), money(minor, "id")]).toEqual([english, indonesian]);
	});
});

test.each([undefined, null, "", "TK-000001", 0.5, Number.NaN, 2 ** 53])("%p is no amount", async (wrong) => {
	const { money } = await formats({});
	expect(money(wrong, "en")).toBe("IDR NaN");
});

test("an amount has the currency of its order, whatever the shop's is by now", async () => {
	const { money } = await formats({ CURRENCY: "USD", CURRENCY_DECIMALS: "0" });
	expect(money(150_000, "id", "IDR")).toBe("Rp 150.000");
});

test.each([
	["UTC", "November 23, 2026 at 17:30 UTC", "23 November 2026 pukul 17.30 UTC"],
	["Asia/Jakarta", "November 24, 2026 at 00:30 GMT+7", "24 November 2026 pukul 00.30 WIB"],
	["Asia/Jayapura", "November 24, 2026 at 02:30 GMT+9", "24 November 2026 pukul 02.30 WIT"],
])("a moment is written in its zone, %s, and names it", async (zone, english, indonesian) => {
	const { moment } = await formats({});
	const at = "2026-11-23T17:30:00.000Z";
	expect([moment(at, "en", zone), moment(at, "id", zone)]).toEqual([english, indonesian]);
});

test.each([
	["Asia/Jakarta", "24 November 2026 pukul 00.30 WIB"],
	[":Asia/Jakarta", "24 November 2026 pukul 00.30 WIB"],
	["asia/makassar", "24 November 2026 pukul 01.30 WITA"],
	["+07:00", "24 November 2026 pukul 00.30 GMT+7"],
])("by default the zone is TZ, such as %s", async (TZ, expected) => {
	const { moment } = await formats({ TZ });
	expect(moment("2026-11-23T17:30:00.000Z", "id")).toBe(expected);
});

test("with an empty TZ the zone is the machine's, as without one", () => {
	const written = (env: NodeJS.ProcessEnv) =>
		execFileSync(process.execPath, ["--no-warnings", "--input-type=module", "--eval", PROGRAM], {
			env,
			encoding: "utf8",
		});
	expect(written({ TZ: "" })).toBe(written({}));
});

test.each([undefined, null, "", "yesterday", 0])("%p is no moment", async (wrong) => {
	const { moment } = await formats({});
	expect(moment(wrong, "en")).toBe("NaN");
});
