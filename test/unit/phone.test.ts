import { describe, expect, test } from "@jest/globals";
import { phone } from "../../contracts/phone.ts";

describe("a phone number", () => {
	test.each([
		"+6281234567890",
		" +62 812-3456-7890 ",
		"+62\u00a0812\u20113456\u20117890",
		"+62.812.3456.7890",
		"+62 (812) 3456 7890",
		"\u202a+62 812 3456 7890\u202c",
		"＋６２ ８１２ ３４５６ ７８９０",
	])("is taken as people write it: %j", (given) => {
		expect(phone.parse(given)).toBe("+6281234567890");
	});

	test.each(["081234567890", "0812-3456-7890", "006281234567890", "(0812) 34567890"])(
		"without its country is refused with the cure: %j",
		(given) => {
			expect(phone.safeParse(given).error?.issues).toMatchObject([
				{ message: "must begin with the country: +62812… in place of 0812…" },
			]);
		},
	);

	test.each([
		"",
		"+",
		"81234567890",
		"+62 (0) 812 3456 7890",
		"+62812x",
		"+0812345678",
		"+628123456789012345",
	])("that cannot be told is refused: %j", (given) => {
		expect(phone.safeParse(given).error?.issues).toHaveLength(1);
	});

	test("of two numbers is none", () => {
		expect(phone.safeParse("+6281234567890/+6281234567891").success).toBe(false);
		expect(phone.safeParse(`+62812${" ".repeat(200)}34567890`).success).toBe(false);
	});
});
