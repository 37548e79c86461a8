import { fromMinor } from "../../../contracts/money.ts";
import { partOf } from "../pricing/refunds.ts";
import {
	type InvoiceDocument,
	type InvoicedOrder,
	optionsOf,
	partiesOf,
	rateOf,
	type Sum,
} from "./document.ts";

/** Row of `credit_notes` with its refund. Amounts are in minor units. */
export interface CreditNoteRow {
	number: string;
	/** Lines, separated by line breaks. */
	seller: string;
	issued_at: string;
	refund_id: string;
	amount_minor: number;
	shipping_minor: number;
	other_minor: number;
	/** Sum of the refunds of the order before this one. */
	refunded_before_minor: number;
	lines: { line: number; quantity: number; amount_minor: number }[];
}

/** Converts a row to a credit note of the contract. */
export function presentCreditNote({ number, refund_id, amount_minor, issued_at }: CreditNoteRow) {
	return {
		...{ number, refund_id },
		amount: fromMinor(amount_minor),
		issued_at: new Date(issued_at).toISOString(),
	};
}

/** Returns the credit note of a refund. What it gives back are the amounts of the refund. */
export function creditNoteOf(order: InvoicedOrder, note: CreditNoteRow): InvoiceDocument {
	return {
		...partiesOf(order, note.seller),
		kind: "credit_note",
		number: note.number,
		issued_at: note.issued_at,
		paid_at: null,
		corrects: order.invoice.number,
		lines: note.lines.map(({ line, quantity, amount_minor }) => {
			const ordered = order.lines[line - 1];
			return {
				...{ line, quantity, amount_minor },
				...{ name: ordered?.name ?? "", options: ordered ? optionsOf(ordered) : [] },
				...{ price_minor: null, discount_minor: null, tax_minor: null },
			};
		}),
		sums: sumsOf(order, note),
	};
}

function sumsOf(order: InvoicedOrder, note: CreditNoteRow): Sum[] {
	const { amount_minor, shipping_minor, other_minor } = note;
	const sums: (Sum | false)[] = [
		shipping_minor !== 0 && { label: "shipping", minor: shipping_minor },
		other_minor !== 0 && { label: "other", minor: other_minor },
		{ label: "credited", minor: amount_minor },
		{ label: "tax_included", detail: rateOf(order), minor: taxOf(order, note) },
	];
	return sums.filter((sum) => sum !== false);
}

/**
 * Returns the tax in a refund. One rate holds for everything in an order, so it is the part of the order's tax that the money of
 * the refund stands for, in the sequence of the refunds: the taxes of all refunds together are that of the order.
 */
function taxOf(
	{ tax_minor = 0, total_minor }: InvoicedOrder,
	{ amount_minor, refunded_before_minor }: CreditNoteRow,
): number {
	return total_minor === 0
		? 0
		: partOf(tax_minor, total_minor, refunded_before_minor, refunded_before_minor + amount_minor);
}
