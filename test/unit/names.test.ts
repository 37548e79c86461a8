import { beforeAll, describe, expect, test } from "@jest/globals";
import type { EventName } from "../../contracts/actions.ts";
import { LOCALES, MESSAGES } from "../../services/notifications/messages.ts";
import { nameForStranger } from "../../services/notifications/names.ts";
import { Templates } from "../../services/notifications/templates.ts";

const ADVERTISEMENTS = [
	"Menang hadiah http://evil.example/x",
	"Menang hadiah HTTPS://EVIL.EXAMPLE",
	"evil.example",
	"EVIL.COM",
	"Visit Evil.Com now",
	"x.com",
	"t.co",
	"Budi evil.example,",
	"(evil.example)",
	"sub.evil.example",
	"evil-shop.example",
	"xn--evl-5qa.example",
	"пример.рф",
	"例え.テスト",
	"evil。example",
	"ｅｖｉｌ．ｅｘａｍｐｌｅ",
	"evil․example",
	"evil .example",
	"evil . example",
	"evil..example",
	"evil\u200b.example",
	"www.evil",
	"www evil",
	"//evil",
	"evil/x",
	"evil\\x",
	"mailto:evil",
	"javascript:alert(1)",
	"evil@example",
	"@evil_bot",
	"Telegram evil_bot",
	"hubungi 081234567890",
	"+62 812 3456 7890",
	"0812-3456-7890",
	"٠٨١٢٣٤٥٦٧٨٩٠",
	"(021) 555",
	"Menang 100%!",
	"Gratis $$$",
	"🎁 hadiah",
	"[hadiah](evil)",
	"<a href=x>hadiah</a>",
	"Anda menang hadiah besar dari kami silakan hubungi toko sebelah sekarang",
	"x".repeat(200),
	"",
	" ",
];

test.each(ADVERTISEMENTS)("%p is not shown to a stranger", (name) => {
	expect(nameForStranger(name, "en")).toBe("customer");
	expect(nameForStranger(name, "id")).toBe("Pelanggan");
});

test.each([
	["Budi Santoso", "Budi Santoso"],
	["Budi", "Budi"],
	["Budi S.Kom", "Budi S. Kom"],
	["Budi Santoso, S.Pd., M.Si.", "Budi Santoso, S. Pd., M. Si."],
	["Siti Aminah A.Md.Kep", "Siti Aminah A. Md. Kep"],
	["J.R.R.", "J. R. R."],
	["J.R.R. Tolkien", "J. R. R. Tolkien"],
	["J.R.R.Tolkien", "J. R. R. Tolkien"],
	["Dr. Ir. H. Ahmad Kusumo", "Dr. Ir. H. Ahmad Kusumo"],
	["M.Ag", "M. Ag"],
	["Prof. Dr. Sri Mulyani", "Prof. Dr. Sri Mulyani"],
	["Sinéad O'Connor", "Sinéad O'Connor"],
	["Jean-Luc", "Jean-Luc"],
	["Nguyễn Văn A", "Nguyễn Văn A"],
	["王小明", "王小明"],
	["محمد علي", "محمد علي"],
	["Budi Santoso 2", "Budi Santoso 2"],
	["Louis XIV (Paris)", "Louis XIV (Paris)"],
	["  Budi   Santoso ", "Budi Santoso"],
])("%p is a name, and a stranger reads %p", (name, shown) => {
	expect(nameForStranger(name, "en")).toBe(shown);
});

describe("a message", () => {
	const templates = new Templates();
	beforeAll(() => templates.load());
	const cases = Object.entries(MESSAGES).flatMap(([event, { example }]) =>
		LOCALES.map((locale) => [event as EventName, locale, example] as const),
	);

	async function write(
		event: EventName,
		locale: "en" | "id",
		example: object,
		is_verified: boolean,
		name: string,
	) {
		const reader = { name, is_verified, locale, token: "to-ken" };
		const data = { ...example, occurred_at: "2026-11-23T08:00:00.000Z" };
		const mail = await templates.write("email", event, reader, data, "");
		const text = templates.hasText(event) ? await templates.write("sms", event, reader, data, "") : undefined;
		return { mail, text };
	}

	test.each(cases)(
		"%s in %s shows no advertisement at an address that nobody has verified",
		async (event, locale, example) => {
			for (const name of ADVERTISEMENTS.filter((one) => one.trim() !== "")) {
				const { mail, text } = await write(event, locale, example, false, name);
				const shown = [mail.subject, mail.text, mail.html, text?.text].join("\n");
				expect(shown).not.toContain(name);
				expect(shown).not.toMatch(/evil|hadiah/i);
				expect(mail.text).toContain(`${locale === "en" ? "Hello customer" : "Halo Pelanggan"},`);
			}
		},
	);

	test.each(cases)("%s in %s makes no link of a title", async (event, locale, example) => {
		const { mail, text } = await write(event, locale, example, false, "Budi S.Kom");
		expect([mail.subject, mail.text, mail.html, text?.text].join("\n")).not.toContain("S.Kom");
		expect(mail.text).toContain("Budi S. Kom,");
	});

	test.each(cases)(
		"%s in %s shows the name as it is at a verified address",
		async (event, locale, example) => {
			const { mail } = await write(event, locale, example, true, "Budi S.Kom <b>");
			expect(mail.text).toContain("Budi S.Kom <b>,");
			expect(mail.html).toContain("Budi S.Kom &lt;b&gt;,");
		},
	);

	test("goes by SMS as to a stranger, since nobody verifies phones", async () => {
		const { text } = await write("order.paid", "en", MESSAGES["order.paid"].example, true, "evil.example");
		expect(text?.text).not.toContain("evil");
	});
});
