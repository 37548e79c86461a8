import { afterAll, beforeAll, describe } from "@jest/globals";
import { AuditedShop, testBreaches } from "./audited-shop.ts";

let shop: AuditedShop;

beforeAll(async () => {
	shop = await AuditedShop.start();
	await shop.stopSweeps();
});

afterAll(() => shop.stop());

/** Sample orders that are paid: with an invoice each. */
const PAID = 5;

describe("the audit names", () => {
	testBreaches(
		() => shop,
		[
			[
				"an invoice that is gone",
				"orders",
				() => "DELETE FROM invoices WHERE sequence = 2",
				() => ["invoice INV-000003 has the sequence number 3, but follows 1"],
			],
			[
				"a last invoice that is gone",
				"orders",
				() => `DELETE FROM invoices WHERE sequence = ${PAID}`,
				() => [`the counter of invoices is at ${PAID}, but the last number is ${PAID - 1}`],
			],
			[
				"an invoice with the number of another one",
				"orders",
				() => "UPDATE invoices SET number = 'INV-000009' WHERE sequence = 2",
				() => ["invoice INV-000009 has the sequence number 2"],
			],
			[
				"a credit note without the ones before it",
				"orders",
				() => "UPDATE credit_notes SET (sequence, number) = (2, 'CN-INV-000002')",
				() => [
					"credit note CN-INV-000002 has the sequence number 2, but follows 0",
					"the counter of credit_notes is at 1, but the last number is 2",
				],
			],
			[
				"an order without an invoice",
				"orders",
				({
					orders,
				}) => `UPDATE invoice_counters SET since = '2026-01-01', last = ${PAID - 1} WHERE series = 'invoices';
					DELETE FROM invoices WHERE order_id = '${orders.shipped.id}';
					UPDATE invoices i SET sequence = -place, number = 'INV-' || lpad((-place)::text, 6, '0')
					FROM (SELECT order_id, row_number() OVER (ORDER BY sequence) AS place FROM invoices) AS l
					WHERE l.order_id = i.order_id;
					UPDATE invoices SET sequence = -sequence, number = 'INV-' || lpad((-sequence)::text, 6, '0')`,
				({ orders: { shipped } }) => [`order ${shipped.number} was paid at `],
			],
			[
				"an order that waits for its number for too long, and one that has one already",
				"orders",
				({ orders }) => `INSERT INTO invoice_queue (order_id, paid_at)
					VALUES ('${orders.pending.id}', '2026-01-01'), ('${orders.paid.id}', now())`,
				({ orders: { pending, paid } }) => [
					`order ${pending.number} has waited for the number of its invoice since 2026-01-01`,
					`order ${paid.number} waits for the number of its invoice, but has one`,
				],
			],
			[
				"a refund without a credit note",
				"orders",
				() => "DELETE FROM credit_notes; UPDATE invoice_counters SET last = 0 WHERE series = 'credit_notes'",
				() => ["has no credit note"],
			],
			[
				"a refund that waits for the number of its credit note, but has one",
				"orders",
				() => "INSERT INTO credit_note_queue (refund_id, refunded_at) SELECT id, now() FROM refunds",
				() => ["waits for the number of its credit note, but has one"],
			],
			[
				"a credit note of no refund",
				"orders",
				() => "UPDATE credit_notes SET refund_id = gen_random_uuid()",
				() => ["has no credit note", "credit note CN-INV-000001 belongs to no refund"],
			],
			[
				"a credit note that corrects no invoice",
				"orders",
				({ orders }) =>
					`UPDATE invoices SET order_id = gen_random_uuid() WHERE order_id = '${orders.refunded.id}'`,
				() => ["credit note CN-INV-000001 corrects an invoice that does not exist"],
			],
		],
	);
});
