import { createHash } from "node:crypto";
import { setImmediate as turn } from "node:timers/promises";
import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { type CreditNoteRow, creditNoteOf } from "../../services/orders/invoices/credit-note.ts";
import { type InvoicedOrder, invoiceOf } from "../../services/orders/invoices/document.ts";
import { rendered } from "../../services/orders/invoices/rendering.ts";
import type { OrderLine } from "../../services/orders/model.ts";
import { pdfTexts } from "../pdf-text.ts";

const LINE: OrderLine = {
	...{ product_id: "01a20af7e8d300020f7306eb", name: "Kopi", price_minor: 33_333, quantity: 3 },
	...{ options: null, discount_minor: 10_000, tax_minor: 9900, paid_minor: 99_899 },
};

const ORDER: InvoicedOrder = {
	...{ id: "3f1c8a52-7d1e-4b2f-9c55-0a6f2f7f9f11", number: "TK-000007", user_id: 12, status: "paid" },
	...{ total_minor: 99_899, subtotal_minor: 99_999, discount_minor: 10_000, tax_minor: 9900 },
	...{ tax_basis_points: 1100, tax_included: false, currency: "IDR", voucher_code: "HEMAT10" },
	...{ shipping_address: null, note: null, restocked: false },
	...{ expires_at: "2026-11-23T08:30:00Z", created_at: "2026-11-23T08:00:00Z" },
	updated_at: "2026-11-23T08:00:00Z",
	address: {
		...{ recipient: "Ñandú Šimić", phone: "+62811", line1: "Jl. Braga 1", line2: null },
		...{ city: "Bandung", province: "Jawa Barat", postal_code: "40111", country: "ID" },
	},
	lines: [LINE],
	invoice: { number: "INV-000042", seller: "Toko Budi\nBandung", issued_at: "2026-11-23T08:05:00Z" },
	paid_at: "2026-11-23T08:05:00Z",
};

async function htmlOf(order: InvoicedOrder, language: "en" | "id" = "en") {
	return rendered(invoiceOf(order), "html", language);
}

async function pdfOf(order: InvoicedOrder, language: "en" | "id" = "en") {
	const { content } = await rendered(invoiceOf(order), "pdf", language);
	const bytes = Buffer.from(content, "base64");
	return { bytes, pages: pdfTexts(bytes) };
}

/** The text of a page without its tags. */
function textOf(html: string): string {
	return html
		.replace(/<style>.*<\/style>/s, "")
		.replace(/<[^>]*>/g, "\n")
		.replace(/\n+/g, "\n");
}

const EXPECTED = {
	en: ["Invoice INV-000042", "November 23, 2026", "TK-000007", "Toko Budi", "Ñandú Šimić", "Bandung 40111"],
	id: ["Faktur INV-000042", "23 November 2026", "TK-000007", "Toko Budi", "Ñandú Šimić", "Indonesia"],
};
const AMOUNTS = {
	en: [
		"IDR 33,333",
		"IDR 99,999",
		"Discount (HEMAT10)",
		"−IDR 10,000",
		"Plus 11% tax",
		"IDR 9,900",
		"IDR 99,899",
	],
	id: [
		"Rp 33.333",
		"Rp 99.999",
		"Diskon (HEMAT10)",
		"−Rp 10.000",
		"Ditambah pajak 11%",
		"Rp 9.900",
		"Rp 99.899",
	],
};

describe.each(["en", "id"] as const)("an invoice in %s", (language) => {
	test("has all texts and amounts in HTML and in PDF", async () => {
		const { content } = await htmlOf(ORDER, language);
		expect(content).toContain(`<html lang="${language}">`);
		const expected = [...EXPECTED[language], ...AMOUNTS[language]];
		expect(textOf(content).split("\n")).toEqual(expect.arrayContaining(expected));
		const { pages } = await pdfOf(ORDER, language);
		expect(pages).toHaveLength(1);
		expect(pages[0]).toEqual(expect.arrayContaining(expected));
	});

	test("names no phone number", async () => {
		expect((await htmlOf(ORDER, language)).content).not.toContain("62811");
		expect((await pdfOf(ORDER, language)).pages.flat().join()).not.toContain("62811");
	});
});

test.each([
	["en", /tax/i],
	["id", /pajak/i],
] as const)("an order without a tax has none on its documents in %s", async (language, word) => {
	const untaxed = { ...ORDER, tax_basis_points: 0, tax_minor: 0, lines: [{ ...LINE, tax_minor: 0 }] };
	expect(textOf((await htmlOf(ORDER, language)).content)).toMatch(word);
	for (const tax_included of [true, false]) {
		const order = { ...untaxed, tax_included };
		expect(textOf((await htmlOf(order, language)).content)).not.toMatch(word);
		expect((await pdfOf(order, language)).pages.flat().join()).not.toMatch(word);
		expect(textOf((await rendered(creditNoteOf(order, NOTE), "html", language)).content)).not.toMatch(word);
	}
});

test("an order without columns of prices is its lines, without tax", async () => {
	const { lines, subtotal_minor, discount_minor, tax_minor, tax_basis_points, tax_included, ...old } = ORDER;
	const { discount_minor: _, tax_minor: __, paid_minor, ...line } = LINE;
	const { sums, lines: shown } = invoiceOf({
		...{ ...old, voucher_code: null, total_minor: 99_999, lines: [line] },
	});
	expect(sums).toEqual([
		{ label: "subtotal", minor: 99_999 },
		{ label: "total", minor: 99_999 },
		{ label: "tax_included", detail: "0", minor: 0 },
		{ label: "paid", minor: 99_999 },
	]);
	expect(shown).toMatchObject([{ discount_minor: 0, tax_minor: 0, amount_minor: 99_999 }]);
});

test("the buyer is a number once the address is erased, and what was ordered stays", async () => {
	const document = invoiceOf({ ...ORDER, address: null });
	expect(document).toEqual({ ...invoiceOf(ORDER), buyer: { user_id: 12, lines: [], country: null } });
	const { content } = await rendered(document, "html", "en");
	expect(textOf(content)).toContain("Customer number\n12");
	expect(content).not.toContain("Šimić");
});

test("an address of too many lines leaves room for the rest", async () => {
	const shipping_address = Array.from({ length: 170 }, (_, place) => place).join("\n");
	const { pages } = await pdfOf({ ...ORDER, address: null, shipping_address });
	expect(pages).toHaveLength(1);
	expect(pages[0]).toEqual(expect.arrayContaining(["6", expect.stringMatching(/^7, 8, 9/), "IDR 99,899"]));
});

test("text of customers is text, and the style sheet is the one that the digest allows", async () => {
	const evil = `<script>alert("x")</script>&'`;
	const { content, style_digest } = await htmlOf({
		...ORDER,
		...{ address: null, shipping_address: evil, voucher_code: evil },
		lines: [{ ...LINE, name: evil, options: { [evil]: evil } }],
		invoice: { ...ORDER.invoice, seller: evil },
	});
	expect(content).not.toMatch(/<script|alert\("/);
	expect(content.match(/&#60;script&#62;alert\(&#34;x&#34;\)&#60;\/script&#62;&#38;&#39;/g)).toHaveLength(6);
	const styles = [...content.matchAll(/<style>(.*?)<\/style>/gs)].map(([, style]) => style as string);
	expect(styles).toHaveLength(1);
	const digest = createHash("sha256")
		.update(styles[0] as string)
		.digest("base64");
	expect(style_digest).toBe(`sha256-${digest}`);
	expect(content).not.toMatch(/\son\w+=|\sstyle=|src=|href=|url\(|@import/);
});

test("characters that the fonts lack are shown as such, with a note", async () => {
	const texts = async (name: string) => (await pdfOf({ ...ORDER, lines: [{ ...LINE, name }] })).pages.flat();
	const lost = await texts("Teh 中国 🦄\u{e0001} Łódź Ελλάδα Київ");
	expect(lost).toContain("Teh \ufffd\ufffd \ufffd Łódź Ελλάδα Київ");
	expect(lost).toContainEqual(expect.stringMatching(/^\ufffd stands for a character/));
	expect(await texts("Łódź")).not.toContainEqual(expect.stringContaining("\ufffd"));
});

test("a file name has no character that a header or a file system could misread", async () => {
	const named = { ...ORDER, invoice: { ...ORDER.invoice, number: "2026/A-000001" } };
	expect((await htmlOf(named)).file_name).toBe("2026-A-000001.html");
	expect((await rendered(invoiceOf(named), "pdf", "id")).file_name).toBe("2026-A-000001.pdf");
});

test("1,000 lines continue on further pages below the same head, and let other work of the process go on", async () => {
	const lines = Array.from({ length: 1000 }, (_, place) => ({
		...{ ...LINE, name: `Barang ke-${place + 1}` },
		...(place % 3 === 0 ? { name: `Barang ke-${place + 1} ${"panjang sekali ".repeat(8).trim()}` } : {}),
		options: place % 2 === 0 ? { ukuran: "M" } : null,
	}));
	let turns = 0;
	let isDone = false;
	const counting = (async () => {
		for (; !isDone; turns++) {
			await turn();
		}
	})();
	const { pages } = await pdfOf({ ...ORDER, lines });
	isDone = true;
	await counting;
	expect(turns).toBeGreaterThanOrEqual(100);
	expect(pages.length).toBeGreaterThan(15);
	const texts = pages.flat().join("\n");
	for (const place of [1, 2, 500, 999, 1000]) {
		expect(texts).toMatch(new RegExp(`^Barang ke-${place}\\b`, "m"));
	}
	for (const [place, page] of pages.entries()) {
		expect(page).toEqual(expect.arrayContaining(["Unit price", `Page ${place + 1} of ${pages.length}`]));
	}
	expect(pages.at(-1)).toContain("Total");
});

test("PDFs are rendered one after the other, so that other work waits for a piece of one", async () => {
	const finished: string[] = [];
	const long = { ...ORDER, lines: Array.from({ length: 200 }, () => LINE) };
	await Promise.all([
		pdfOf(long).then(() => finished.push("long")),
		pdfOf(ORDER).then(() => finished.push("short")),
	]);
	expect(finished).toEqual(["long", "short"]);
});

test("amounts of any size fit on the page", async () => {
	const huge = Number.MAX_SAFE_INTEGER;
	const { pages } = await pdfOf({
		...{ ...ORDER, total_minor: huge, subtotal_minor: huge },
		lines: [
			{ ...LINE, price_minor: 1_000_000_000_000, paid_minor: huge, discount_minor: huge, tax_minor: huge },
		],
	});
	expect(pages.flat()).toEqual(
		expect.arrayContaining(["IDR 9,007,199,254,740,991", "IDR 1,000,000,000,000"]),
	);
});

const NOTE: CreditNoteRow = {
	...{ number: "CN-INV-000003", seller: "Toko Budi\nBandung", issued_at: "2026-11-25T08:00:00Z" },
	...{ refund_id: "019ac3f2-6d4e-7b1a-8f00-3c5d2a9e1b77", amount_minor: 34_299, refunded_before_minor: 0 },
	...{ shipping_minor: 0, other_minor: 1000, lines: [{ line: 1, quantity: 1, amount_minor: 33_299 }] },
};

/** Tax in a credit note. */
function taxIn(note: CreditNoteRow, order = ORDER): number {
	return creditNoteOf(order, note).sums.find(({ label }) => label === "tax_included")?.minor as number;
}

describe("a credit note", () => {
	test("has what was given back, its tax and the invoice that it corrects", async () => {
		const document = creditNoteOf(ORDER, NOTE);
		const { content } = await rendered(document, "html", "en");
		const pdf = Buffer.from((await rendered(document, "pdf", "id")).content, "base64");
		expect(textOf(content)).toMatch(/Corrects invoice\nINV-000042\n/);
		expect(textOf(content)).toMatch(/Kopi\n1\nIDR 33,299\n/);
		// 9,900 of 99,899 are tax.
		expect(textOf(content)).toMatch(
			/Other amount\nIDR 1,000\nCredited\nIDR 34,299\nIncluding 11% tax\nIDR 3,399\n/,
		);
		expect(pdfTexts(pdf).flat()).toEqual(
			expect.arrayContaining([
				"Nota kredit CN-INV-000003",
				"Mengoreksi faktur",
				"INV-000042",
				"Rp 34.299",
				"Rp 3.399",
			]),
		);
	});

	test("of an amount alone has no table of items", async () => {
		const document = creditNoteOf(ORDER, { ...NOTE, lines: [], amount_minor: 1000 });
		expect((await rendered(document, "html", "en")).content).not.toContain("<thead>");
		const pdf = Buffer.from((await rendered(document, "pdf", "en")).content, "base64");
		expect(pdfTexts(pdf).flat()).not.toContain("Quantity");
	});

	test("of nothing has no tax", () => {
		expect(taxIn({ ...NOTE, amount_minor: 0 }, { ...ORDER, total_minor: 0, tax_minor: 0 })).toBe(0);
	});

	test("and all others of an order together give the tax of the order, however it is divided", () => {
		const amounts = fc.array(fc.nat({ max: 2 ** 40 }), { minLength: 1, maxLength: 20 });
		fc.assert(
			fc.property(amounts, fc.nat({ max: 10_000 }), (given, basis_points) => {
				const total_minor = given.reduce((sum, amount) => sum + amount, 0);
				const tax_minor = Math.floor((total_minor * basis_points) / 20_000);
				let refunded_before_minor = 0;
				let sum = 0;
				for (const amount_minor of given) {
					const tax = taxIn(
						{ ...NOTE, amount_minor, refunded_before_minor },
						{ ...ORDER, total_minor, tax_minor },
					);
					expect(tax).toBeGreaterThanOrEqual(0);
					sum += tax;
					refunded_before_minor += amount_minor;
				}
				expect(sum).toBe(total_minor === 0 ? 0 : tax_minor);
			}),
		);
	});
});
