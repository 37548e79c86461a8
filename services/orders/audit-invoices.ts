import type { Check } from "../../database/audit.ts";

/** Tables of numbered documents by their series; `one` is a document of it. */
const SERIES = { invoices: "invoice", credit_notes: "credit note" } as const;

/** Margin for payments that were under way during the upgrade, and for clocks. */
const MARGIN = "1 hour";
/** A process numbers within a second or so; longer means that none runs or that it fails. */
const NUMBERED_WITHIN = "5 minutes";

const numbers: Check = {
	check: "invoice numbers have no gaps",
	remedy:
		"Look in a copy for the missing documents, since their numbers were given to customers; otherwise correct invoice_counters.last to the last sequence.",
	count: "SELECT ((SELECT count(*) FROM invoices) + (SELECT count(*) FROM credit_notes))::integer AS rows",
	breaches: Object.entries(SERIES)
		.map(
			([series, one]) => `
			SELECT '${one} ' || number, 'has the sequence number ' || sequence || ', but follows ' || before
			FROM (SELECT number, sequence, coalesce(lag(sequence) OVER (ORDER BY sequence), 0) AS before FROM ${series}) AS listed
			WHERE sequence <> before + 1
			UNION ALL
			SELECT '${one} ' || number, 'has the sequence number ' || sequence
			FROM ${series} WHERE number !~ (invoice_number('', sequence) || '$')
			UNION ALL
			SELECT 'the counter of ${series}', 'is at ' || c.last || ', but the last number is ' || coalesce(max(n.sequence), 0)
			FROM invoice_counters c LEFT JOIN ${series} n ON true WHERE c.series = '${series}'
			GROUP BY c.last HAVING c.last <> coalesce(max(n.sequence), 0)`,
		)
		.join(" UNION ALL "),
};

const invoiced: Check = {
	check: "a paid order has one invoice",
	remedy:
		"Start orders, whose sweep numbers them; an invoice that is missing is issued when somebody reads it.",
	count: "SELECT count(*)::integer AS rows FROM order_history WHERE status = 'paid'",
	in_progress: "SELECT count(*)::integer AS rows FROM invoice_queue",
	breaches: `SELECT 'order ' || o.number, 'was paid at ' || h.at || ', but has no invoice'
		FROM order_history h JOIN orders o ON o.id = h.order_id
		WHERE h.status = 'paid' AND h.at > (SELECT since FROM invoice_counters WHERE series = 'invoices') + interval '${MARGIN}'
			AND NOT EXISTS (SELECT FROM invoices i WHERE i.order_id = o.id)
			AND NOT EXISTS (SELECT FROM invoice_queue q WHERE q.order_id = o.id)
		UNION ALL
		SELECT 'order ' || coalesce(o.number, q.order_id::text), CASE
			WHEN i.order_id IS NULL THEN 'has waited for the number of its invoice since ' || q.paid_at
			ELSE 'waits for the number of its invoice, but has one'
		END
		FROM invoice_queue q LEFT JOIN orders o ON o.id = q.order_id LEFT JOIN invoices i ON i.order_id = q.order_id
		WHERE i.order_id IS NOT NULL OR q.paid_at < now() - interval '${NUMBERED_WITHIN}'`,
};

const credited: Check = {
	check: "a refund has one credit note, and a credit note a refund",
	remedy:
		"Start orders, whose sweep numbers them; for a refund without a credit note, add a row to credit_note_queue.",
	count: "SELECT count(*)::integer AS rows FROM refunds",
	in_progress: "SELECT count(*)::integer AS rows FROM credit_note_queue",
	breaches: `SELECT 'refund ' || r.id, 'has no credit note'
		FROM refunds r
		WHERE NOT EXISTS (SELECT FROM credit_notes n WHERE n.refund_id = r.id)
			AND NOT EXISTS (SELECT FROM credit_note_queue q WHERE q.refund_id = r.id)
		UNION ALL
		SELECT 'credit note ' || n.number, 'belongs to no refund'
		FROM credit_notes n WHERE NOT EXISTS (SELECT FROM refunds r WHERE r.id = n.refund_id)
		UNION ALL
		SELECT 'credit note ' || n.number, 'corrects an invoice that does not exist'
		FROM credit_notes n JOIN refunds r ON r.id = n.refund_id
		WHERE NOT EXISTS (SELECT FROM invoices i WHERE i.order_id = r.order_id)
		UNION ALL
		SELECT 'refund ' || q.refund_id, CASE
			WHEN n.refund_id IS NULL THEN 'has waited for the number of its credit note since ' || q.refunded_at
			ELSE 'waits for the number of its credit note, but has one'
		END
		FROM credit_note_queue q LEFT JOIN credit_notes n USING (refund_id)
		WHERE n.refund_id IS NOT NULL OR q.refunded_at < now() - interval '${NUMBERED_WITHIN}'`,
};

/** Checks of invoices and credit notes. */
export const invoiceChecks: Check[] = [numbers, invoiced, credited];
