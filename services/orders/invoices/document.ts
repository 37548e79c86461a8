import type { OrderAddress, OrderLine, OrderRow } from "../model.ts";

/** An invoice or credit note, in no language yet: both renderers show this and nothing else. */
export interface InvoiceDocument {
	kind: "invoice" | "credit_note";
	number: string;
	/** ISO 8601. */
	issued_at: string;
	/** When the order was paid, if that is another time; ISO 8601. */
	paid_at: string | null;
	order_number: string;
	/** Number of the invoice that a credit note corrects. */
	corrects: string | null;
	/** Name and address, in lines. */
	seller: string[];
	buyer: Buyer;
	currency: string;
	lines: DocumentLine[];
	/** In the order in which they are shown. */
	sums: Sum[];
}

/** The buyer: only the number of the account where the order has no address, or has it no more. */
export interface Buyer {
	user_id: number;
	lines: string[];
	/** ISO 3166-1 code. */
	country: string | null;
}

/** A line. Amounts are in minor units, and null where the document does not have them. */
export interface DocumentLine {
	/** Number of the line in the order, from 1. */
	line: number;
	name: string;
	/** Names and values of a variant. */
	options: [string, string][];
	quantity: number;
	price_minor: number | null;
	discount_minor: number | null;
	tax_minor: number | null;
	/** Paid for it, or given back. */
	amount_minor: number;
}

/** A line below the lines. */
export interface Sum {
	label:
		| "subtotal"
		| "discount"
		| "shipping"
		| "shipping_discount"
		| "tax"
		| "tax_included"
		| "total"
		| "paid"
		| "other"
		| "credited";
	/** Code of the voucher, name of the method of shipping or rate of the tax. */
	detail?: string;
	minor: number;
}

/** Order with its copies of all terms, and its invoice. */
export type InvoicedOrder = OrderRow & {
	/** Copy of the method of shipping. */
	shipping_terms?: { name: string } | null;
	invoice: IssuedInvoice;
	/** Null if the history does not tell. */
	paid_at: string | null;
};

/** Row of `invoices`. */
export interface IssuedInvoice {
	number: string;
	/** Lines, separated by line breaks. */
	seller: string;
	issued_at: string;
}

const ADDRESS_LINES = 8;

/** Returns the invoice of an order. All amounts are the order's copies. */
export function invoiceOf(order: InvoicedOrder): InvoiceDocument {
	const { number, issued_at } = order.invoice;
	return {
		kind: "invoice",
		...{ number, issued_at },
		paid_at: isSameTime(order.paid_at, issued_at) ? null : order.paid_at,
		corrects: null,
		...partiesOf(order, order.invoice.seller),
		lines: order.lines.map(lineOf),
		sums: sumsOf(order),
	};
}

/** Returns the fields that an invoice and the credit notes of its order share. */
export function partiesOf(order: InvoicedOrder, seller: string) {
	return {
		order_number: order.number,
		seller: seller.split("\n"),
		buyer: buyerOf(order),
		currency: order.currency,
	};
}

/** Returns the tax rate of an order in percent, such as `11` or `7.25`. */
export function rateOf({ tax_basis_points = 0 }: OrderRow): string {
	return String(tax_basis_points / 100);
}

/** Returns the options of a line by name, as pairs. */
export function optionsOf({ options }: Pick<OrderLine, "options">): [string, string][] {
	return Object.entries(options ?? {});
}

function lineOf(line: OrderLine, place: number): DocumentLine {
	const subtotal_minor = line.price_minor * line.quantity;
	return {
		line: place + 1,
		name: line.name,
		options: optionsOf(line),
		quantity: line.quantity,
		price_minor: line.price_minor,
		discount_minor: line.discount_minor ?? 0,
		tax_minor: line.tax_minor ?? 0,
		amount_minor: line.paid_minor ?? subtotal_minor,
	};
}

function sumsOf(order: InvoicedOrder): Sum[] {
	const { total_minor, subtotal_minor, discount_minor = 0, tax_minor = 0, tax_included = true } = order;
	const { shipping_minor = 0, shipping_discount_minor = 0, shipping_method, shipping_terms } = order;
	const rate = rateOf(order);
	const voucher = order.voucher_code ? { detail: order.voucher_code } : {};
	const method = shipping_terms?.name ?? shipping_method;
	const on_goods = discount_minor - shipping_discount_minor;
	const sums: (Sum | false)[] = [
		{ label: "subtotal", minor: subtotal_minor ?? total_minor },
		on_goods !== 0 && { label: "discount", ...voucher, minor: -on_goods },
		(shipping_minor !== 0 || Boolean(shipping_terms)) && {
			label: "shipping",
			...(method ? { detail: method } : {}),
			minor: shipping_minor,
		},
		shipping_discount_minor !== 0 && {
			label: "shipping_discount",
			...voucher,
			minor: -shipping_discount_minor,
		},
		!tax_included && { label: "tax", detail: rate, minor: tax_minor },
		{ label: "total", minor: total_minor },
		tax_included && { label: "tax_included", detail: rate, minor: tax_minor },
		{ label: "paid", minor: total_minor },
	];
	return sums.filter((sum) => sum !== false);
}

function buyerOf({ user_id, address, shipping_address }: OrderRow): Buyer {
	return {
		user_id,
		lines: address ? addressLines(address) : textLines(shipping_address ?? ""),
		country: address?.country ?? null,
	};
}

/** The phone number is for the carrier only. */
function addressLines({ recipient, line1, line2, city, province, postal_code }: OrderAddress): string[] {
	return [recipient, line1, line2 ?? "", `${city} ${postal_code}`, province].filter(Boolean);
}

/** Returns the lines of an address that is text; one of too many lines would leave no room on the page. */
function textLines(address: string): string[] {
	const lines = address.split(/\s*\n\s*/).filter(Boolean);
	const last = lines.slice(ADDRESS_LINES - 1).join(", ");
	return [...lines.slice(0, ADDRESS_LINES - 1), last].filter(Boolean);
}

function isSameTime(one: string | null, other: string): boolean {
	return one === null || Math.abs(Date.parse(one) - Date.parse(other)) < 1000;
}
