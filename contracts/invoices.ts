import { z } from "zod";
import { action } from "./contract.ts";
import { documentContent, documentFields } from "./documents.ts";
import { limit, moment, opaqueId, skip } from "./fields.ts";

/** A credit note in the API: the document that corrects an invoice by a refund. */
const creditNote = z
	.strictObject({
		number: z.string(),
		refund_id: z.uuid(),
		amount: z.number(),
		issued_at: moment,
	})
	.meta({
		id: "CreditNote",
		examples: [
			{
				number: "CN-INV-000001",
				refund_id: "019ac3f2-6d4e-7b1a-8f00-3c5d2a9e1b77",
				amount: 92_000,
				issued_at: "2026-11-25T08:00:00.000Z",
			},
		],
	});

/** A PDF takes about ten milliseconds of the processor, in pieces. */
const bulkhead = { concurrency: 4, maxQueueSize: 200 };

/** The actions of orders that are about invoices and credit notes. */
export const invoiceActions = {
	invoice: action({
		summary:
			"The invoice of a paid order: one's own, or anybody's for an admin. As HTML or PDF, in English or Indonesian, as the client prefers",
		permissions: "user",
		problems: ["ORDER_NOT_FOUND", "ORDER_IN_OTHER_STATE"],
		params: z.strictObject({ id: opaqueId, ...documentFields }),
		result: documentContent,
		rest: { method: "GET", path: "/orders/:id/invoice", isDocument: true },
		idempotent: true,
		bulkhead,
	}),
	creditNotes: action({
		summary:
			"The credit notes of an order, the first one first: of one's own order, or anybody's for an admin. Each refund has one",
		permissions: "user",
		problems: ["ORDER_NOT_FOUND", "ORDER_IN_OTHER_STATE"],
		example: { id: "3f1c8a52-7d1e-4b2f-9c55-0a6f2f7f9f11" },
		params: z.strictObject({ id: opaqueId, skip, limit: limit(20) }),
		result: z.array(creditNote),
		rest: { method: "GET", path: "/orders/:id/credit-notes" },
		idempotent: true,
	}),
	creditNote: action({
		summary:
			"A credit note by its number or the id of its refund, in the formats and languages of an invoice. A `/` in the number is `%2F`",
		permissions: "user",
		problems: ["ORDER_NOT_FOUND", "ORDER_IN_OTHER_STATE", "CREDIT_NOTE_NOT_FOUND"],
		example: { id: "3f1c8a52-7d1e-4b2f-9c55-0a6f2f7f9f11", note: "CN-INV-000001" },
		params: z.strictObject({ id: opaqueId, note: opaqueId, ...documentFields }),
		result: documentContent,
		rest: { method: "GET", path: "/orders/:id/credit-notes/:note", isDocument: true },
		idempotent: true,
		bulkhead,
	}),
};
