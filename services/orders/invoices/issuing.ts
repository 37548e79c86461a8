import type { Owner } from "../../../broker/caller.ts";
import { settings } from "../../../config/settings.ts";
import { problem } from "../../../contracts/problems.ts";
import type { JobsService } from "../../../mixins/jobs.ts";
import { findOrder, type OrderRow } from "../model.ts";
import { SOLD } from "../states.ts";
import type { CreditNoteRow } from "./credit-note.ts";
import type { InvoicedOrder } from "./document.ts";

/** Maximum number of invoices of a transaction, so that it is a short one. */
const AT_MOST = 500;

type Issuing = Pick<JobsService, "pool">;

/**
 * Gives numbers to paid orders that wait for one.
 *
 * @param order_id An order that was paid before there were invoices gets one only if it is this one.
 * @returns True if there may be more.
 */
export async function issueInvoices({ pool }: Issuing, order_id: string | null = null): Promise<boolean> {
	const { rows } = await pool.query<{ issued: number }>(
		"SELECT issue_invoices($1, $2, $3, $4, $5) AS issued",
		[settings.invoicePrefix, settings.invoiceSeller, AT_MOST, order_id, SOLD],
	);
	return rows[0]?.issued === AT_MOST;
}

/**
 * Gives numbers to refunds that wait for the one of their credit note.
 *
 * @returns True if there may be more.
 */
export async function issueCreditNotes({ pool }: Issuing): Promise<boolean> {
	const { invoicePrefix, invoiceSeller } = settings;
	const { rows } = await pool.query<{ issued: number }>(
		"SELECT issue_credit_notes($1, $2, $3, $4, $5) AS issued",
		[invoicePrefix, `CN-${invoicePrefix}`, invoiceSeller, AT_MOST, SOLD],
	);
	return rows[0]?.issued === AT_MOST;
}

/**
 * Returns a paid order with its invoice, which is issued now if it was not yet.
 *
 * @throws ORDER_NOT_FOUND; ORDER_IN_OTHER_STATE, naming the state, if the order was not paid.
 */
export async function findInvoiced(service: Issuing, id: string, owner: Owner): Promise<InvoicedOrder> {
	const order = await findPaid(service, id, owner);
	const find = async () => {
		const { rows } = await service.pool.query<Pick<InvoicedOrder, "invoice" | "paid_at">>(
			`SELECT to_jsonb(i) AS invoice, (
				SELECT to_json(h.at) FROM order_history h WHERE h.order_id = i.order_id AND h.status = 'paid'
			) AS paid_at FROM invoices i WHERE i.order_id = $1`,
			[order.id],
		);
		return rows[0];
	};
	const found = await issuedBy(find, () => issueInvoices(service, order.id));
	return { ...order, ...found };
}

/**
 * Returns the credit notes of an order, the first one first; those of its latest refunds are issued now if they were not yet.
 *
 * @throws As `findInvoiced`.
 */
export async function listCreditNotes(
	service: Issuing,
	id: string,
	owner: Owner,
	{ skip, limit }: { skip: number; limit: number },
): Promise<CreditNoteRow[]> {
	const order = await findPaid(service, id, owner);
	await issueMissing(service, order.id);
	return readCreditNotes(service.pool, order.id, "TRUE", [limit, skip]);
}

/**
 * Returns a credit note by its number or the id of its refund, with its order.
 *
 * @throws CREDIT_NOTE_NOT_FOUND; as `findInvoiced`.
 */
export async function findCreditNote(
	service: Issuing,
	id: string,
	owner: Owner,
	note: string,
): Promise<{ order: InvoicedOrder; note: CreditNoteRow }> {
	const order = await findPaid(service, id, owner);
	await issueMissing(service, order.id);
	const condition = "(n.number = $4 OR n.refund_id::text = lower($4))";
	const [found] = await readCreditNotes(service.pool, order.id, condition, [1, 0, note]);
	if (!found) {
		throw problem("CREDIT_NOTE_NOT_FOUND");
	}
	return { order: await findInvoiced(service, id, owner), note: found };
}

async function issueMissing(service: Issuing, order_id: string): Promise<void> {
	const find = async () => {
		const { rowCount } = await service.pool.query(
			`SELECT FROM refunds r WHERE r.order_id = $1
				AND NOT EXISTS (SELECT FROM credit_notes n WHERE n.refund_id = r.id)`,
			[order_id],
		);
		return rowCount === 0 || undefined;
	};
	await issuedBy(find, () => issueCreditNotes(service));
}

/** Returns what is found, if necessary after issuing, which returns true while there may be more. */
async function issuedBy<T>(find: () => Promise<T | undefined>, issue: () => Promise<boolean>): Promise<T> {
	for (let hasMore = true; ; ) {
		const found = await find();
		if (found !== undefined) {
			return found;
		}
		if (!hasMore) {
			throw new Error("an invoice or credit note was not issued: run npm run audit");
		}
		hasMore = await issue();
	}
}

async function readCreditNotes(
	pool: Issuing["pool"],
	order_id: string,
	condition: string,
	values: [limit: number, skip: number, ...unknown[]],
): Promise<CreditNoteRow[]> {
	const { rows } = await pool.query<{ note: CreditNoteRow }>(
		`SELECT to_jsonb(r) || to_jsonb(n) || jsonb_build_object(
			'refunded_before_minor', (
				SELECT coalesce(sum(b.amount_minor), 0) FROM refunds b
				WHERE b.order_id = r.order_id AND b.sequence < r.sequence
			),
			'lines', coalesce((
				SELECT jsonb_agg(to_jsonb(l) ORDER BY l.line) FROM refund_lines l WHERE l.refund_id = r.id
			), '[]')
		) AS note
		FROM refunds r JOIN credit_notes n ON n.refund_id = r.id
		WHERE r.order_id = $1 AND ${condition} ORDER BY r.sequence LIMIT $2 OFFSET $3`,
		[order_id, ...values],
	);
	return rows.map(({ note }) => note);
}

/** @throws ORDER_NOT_FOUND; ORDER_IN_OTHER_STATE, naming the state, if the order was not paid. */
async function findPaid({ pool }: Issuing, id: string, owner: Owner): Promise<OrderRow> {
	const order = await findOrder(pool, { id }, owner);
	if (!order) {
		throw problem("ORDER_NOT_FOUND");
	}
	if (!SOLD.includes(order.status)) {
		throw problem("ORDER_IN_OTHER_STATE", { state: order.status });
	}
	return order;
}
