import { day, money } from "../../../contracts/formats.ts";
import type { Language } from "../../../contracts/languages.ts";
import type { DocumentLine, InvoiceDocument, Sum } from "./document.ts";

const WORDS = {
	en: {
		invoice: "Invoice",
		credit_note: "Credit note",
		number: "Number",
		issued: "Date of issue",
		paid_on: "Paid on",
		order: "Order",
		corrects: "Corrects invoice",
		seller: "Seller",
		buyer: "Customer",
		account: "Customer number",
		lines: "Items",
		line: "No.",
		item: "Item",
		quantity: "Quantity",
		price: "Unit price",
		line_discount: "Discount",
		line_tax: "Tax",
		line_paid: "Paid",
		line_credited: "Amount",
		sums: "Totals",
		subtotal: "Subtotal",
		discount: "Discount",
		shipping: "Shipping",
		shipping_discount: "Discount on shipping",
		tax: "Plus {}% tax",
		tax_included: "Including {}% tax",
		total: "Total",
		paid: "Paid",
		other: "Other amount",
		credited: "Credited",
		page: "Page {} of {}",
		unprintable:
			"\ufffd stands for a character that this file cannot show; the HTML form of this document has it.",
	},
	id: {
		invoice: "Faktur",
		credit_note: "Nota kredit",
		number: "Nomor",
		issued: "Tanggal terbit",
		paid_on: "Dibayar pada",
		order: "Pesanan",
		corrects: "Mengoreksi faktur",
		seller: "Penjual",
		buyer: "Pelanggan",
		account: "Nomor pelanggan",
		lines: "Barang",
		line: "No.",
		item: "Barang",
		quantity: "Jumlah",
		price: "Harga satuan",
		line_discount: "Diskon",
		line_tax: "Pajak",
		line_paid: "Dibayar",
		line_credited: "Nilai",
		sums: "Rincian",
		subtotal: "Subtotal",
		discount: "Diskon",
		shipping: "Ongkos kirim",
		shipping_discount: "Diskon ongkos kirim",
		tax: "Ditambah pajak {}%",
		tax_included: "Termasuk pajak {}%",
		total: "Total",
		paid: "Dibayar",
		other: "Nilai lain",
		credited: "Dikreditkan",
		page: "Halaman {} dari {}",
		unprintable:
			"\ufffd menggantikan huruf yang tidak dapat ditampilkan berkas ini; bentuk HTML dokumen ini memuatnya.",
	},
} as const;

type Word = keyof (typeof WORDS)["en"];

/** A column of the table of lines. */
export interface Column {
	title: string;
	/** Texts and numbers are aligned differently. */
	isNumber: boolean;
	cell(line: DocumentLine): string;
}

/** A document in a language: titles, and all values as text. */
export interface WrittenDocument {
	language: Language;
	title: string;
	/** Fields at the top, with their names. */
	fields: [name: string, value: string][];
	seller: { title: string; lines: string[] };
	buyer: { title: string; lines: string[] };
	lines: DocumentLine[];
	lines_title: string;
	/** Columns of the lines; the second is the name with its options. */
	columns: Column[];
	sums_title: string;
	sums: { name: string; value: string; isTotal: boolean }[];
	/** Returns the name of a page, for documents of several pages. */
	page(number: number, count: number): string;
	/** Explains U+FFFD. */
	unprintable: string;
}

/** Writes a document in a language. */
export function written(document: InvoiceDocument, language: Language): WrittenDocument {
	const word = (name: Word, ...values: string[]) =>
		values.reduce((text, value) => text.replace("{}", () => value), WORDS[language][name] as string);
	const amount = (minor: number | null) => amountText(minor, language, document.currency);
	const count = new Intl.NumberFormat(language);
	const isInvoice = document.kind === "invoice";
	// A shop without a tax does not mention one: a rate of 0% would be a statement about the goods.
	const sums = document.sums.filter((sum) => !isTax(sum) || Number(sum.detail) > 0);
	const isTaxed = sums.some(isTax);
	const title = `${word(document.kind)} ${document.number}`;
	const column = (name: Word, cell: Column["cell"]): Column => ({ title: word(name), isNumber: true, cell });
	return {
		language,
		title,
		fields: [
			[word("number"), document.number],
			[word("issued"), day(document.issued_at, language)],
			...(document.paid_at ? [[word("paid_on"), day(document.paid_at, language)] as [string, string]] : []),
			...(document.corrects ? [[word("corrects"), document.corrects] as [string, string]] : []),
			[word("order"), document.order_number],
			[word("account"), String(document.buyer.user_id)],
		],
		seller: { title: word("seller"), lines: document.seller },
		buyer: { title: word("buyer"), lines: buyerLines(document, language) },
		lines: document.lines,
		lines_title: word("lines"),
		columns: [
			column("line", ({ line }) => String(line)),
			{ title: word("item"), isNumber: false, cell: ({ name }) => name },
			column("quantity", ({ quantity }) => count.format(quantity)),
			...(isInvoice
				? [
						column("price", ({ price_minor }) => amount(price_minor)),
						column("line_discount", ({ discount_minor }) => amount(discount_minor)),
						...(isTaxed ? [column("line_tax", ({ tax_minor }) => amount(tax_minor))] : []),
					]
				: []),
			column(isInvoice ? "line_paid" : "line_credited", ({ amount_minor }) => amount(amount_minor)),
		],
		sums_title: word("sums"),
		sums: sums.map((sum) => ({
			name: nameOf(sum, word, language),
			value: amount(sum.minor),
			isTotal: sum.label === "total" || sum.label === "credited",
		})),
		page: (number, pages) => word("page", String(number), String(pages)),
		unprintable: word("unprintable"),
	};
}

/** Writes the sign of a discount before the currency. */
function amountText(minor: number | null, language: Language, currency: string): string {
	if (minor === null) {
		return "";
	}
	return minor < 0 ? `\u2212${money(-minor, language, currency)}` : money(minor, language, currency);
}

function isTax({ label }: Sum): boolean {
	return label === "tax" || label === "tax_included";
}

function nameOf(sum: Sum, word: (name: Word, ...values: string[]) => string, language: Language) {
	const { label, detail } = sum;
	if (isTax(sum)) {
		return word(label, new Intl.NumberFormat(language).format(Number(detail)));
	}
	return detail === undefined ? word(label) : `${word(label)} (${detail})`;
}

function buyerLines({ buyer: { lines, country } }: InvoiceDocument, language: Language): string[] {
	return country === null
		? lines
		: [
				...lines,
				new Intl.DisplayNames([language], { type: "region", fallback: "code" }).of(country) ?? country,
			];
}
