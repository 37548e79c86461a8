import { describe, expect, test } from "@jest/globals";
import { hash } from "@node-rs/argon2";
import { newPassword, normalPassword, password } from "../../contracts/passwords.ts";
import { checkPassword, hashPassword } from "../../services/users/passwords.ts";
import { leastProcessorTime } from "../processor-time.ts";

/** The same keys as encoded by macOS and by Windows. */
const [MAC, WINDOWS] = ["kopi-cafe\u0301-Å".normalize("NFD"), "kopi-café-Å".normalize("NFC")];

describe("the normal form of a password", () => {
	test.each([
		["composed letters", MAC, WINDOWS],
		["plain blanks", "kopi\u00a0susu\u3000dua\u2009gelas", "kopi susu dua gelas"],
		["Hangul syllables", "비밀번호".normalize("NFD"), "비밀번호"],
		["the sign of a unit as its letter", "10\u2126 \u212b", "10Ω Å"],
	])("has %s", (_, typed, normal) => {
		expect(normalPassword(typed)).toBe(normal);
		expect(normalPassword(normal)).toBe(normal);
	});

	test.each(["  rahasia  ", "Rahasia", "ｒahasia", "ﬁ-rahasia", "raha\tsia", "raha\u200bsia", "👩‍🌾"])(
		"is %j itself",
		(typed) => {
			expect(normalPassword(typed)).toBe(typed);
		},
	);
});

describe("the length of a new password", () => {
	test.each([
		["é".repeat(128), true],
		["e\u0301".repeat(128), true],
		["ế".normalize("NFD").repeat(128), true],
		["🔑".repeat(128), true],
		["🔑".repeat(129), false],
		["e\u0301".repeat(129), false],
		["a".repeat(129), false],
		["e\u0301".repeat(7), false],
		["🔑".repeat(7), false],
		["🔑".repeat(8), true],
		["a".repeat(100_000), false],
	])("is counted in characters of the normal form: %#", (typed, isTaken) => {
		expect(newPassword.safeParse(typed).success).toBe(isTaken);
	});

	test("does not keep out who has an older one", () => {
		for (const old of ["a", "a".repeat(128), "\u0958".repeat(128), "ế".normalize("NFD").repeat(128)]) {
			expect(password.safeParse(old).success).toBe(true);
		}
	});
});

describe("a password", () => {
	test.each([
		[MAC, WINDOWS],
		[WINDOWS, MAC],
		["rahasia\u00a0kopi", "rahasia kopi"],
	])("that is set as %j is right as %j", async (set, typed) => {
		expect(await checkPassword(await hashPassword(set), typed)).toBe(true);
	});

	test.each([
		["decomposed", "decomposed", MAC, MAC],
		["decomposed", "composed", MAC, WINDOWS],
		["with a no-break space", "with one", "rahasia\u00a0kopi", "rahasia\u00a0kopi"],
		["composed, with a no-break space", "decomposed", `${WINDOWS}\u00a0`, `${MAC}\u00a0`],
		["decomposed, with a no-break space", "composed", `${MAC}\u00a0`, `${WINDOWS}\u00a0`],
	])("whose old hash is of the text %s is right %s, and the hash is outdated", async (_, __, set, typed) => {
		expect(await checkPassword(await hash(set), typed)).toBe("outdated");
	});

	test("whose old hash is of the normal form is right in every form", async () => {
		const old = await hash(WINDOWS);
		expect([await checkPassword(old, WINDOWS), await checkPassword(old, MAC)]).toEqual([true, true]);
	});

	test("is wrong with another one, with no account and with none that can log in", async () => {
		const known = await hashPassword(WINDOWS);
		expect(await checkPassword(known, "kopi-cafe-A")).toBe(false);
		expect(await checkPassword(known, `${WINDOWS} `)).toBe(false);
		expect(await checkPassword(undefined, WINDOWS)).toBe(false);
		expect(await checkPassword("", WINDOWS)).toBe(false);
	});

	test("costs as much where it is wrong, where there is no account and where it is right for none", async () => {
		const known = await hashPassword(WINDOWS);
		const cost = (password_hash: string | undefined, typed: string) =>
			leastProcessorTime(() => checkPassword(password_hash, typed), 5);
		for (const typed of [`${MAC}!`, "rahasia-sekali"]) {
			// One hash more or less would double or halve the time.
			const ratio = (await cost(known, typed)) / (await cost(undefined, typed));
			expect(ratio).toBeGreaterThan(0.6);
			expect(ratio).toBeLessThan(1.6);
		}
	});
});
