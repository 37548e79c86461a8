import type { Problems } from "./problem-kind.ts";

/** Problems of invoices and credit notes. */
export const INVOICE_PROBLEMS = {
	CREDIT_NOTE_NOT_FOUND: {
		status: 404,
		en: "The order has no such credit note.",
		id: "Pesanan tidak memiliki nota kredit ini.",
		advice: "Correct the number or the id of the refund: `GET /orders/{id}/credit-notes` lists them.",
	},
} as const satisfies Problems;
