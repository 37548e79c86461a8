import type { Pool } from "pg";
import { batchedStatement } from "../../load/batching.ts";
import type { PaymentProvider, RefundOutcome } from "./provider.ts";

/** A record of the provider. */
interface Entry {
	reference: string;
	amount_minor: number;
	status: "settled" | "cancelled";
}

/**
 * A payment provider that moves no money, for development and tests. `instant` settles at once; `transfer` waits for a
 * webhook signed with the secret. Its records are written outside the shop's transactions, so that a process can die
 * between the charge and the order, as with a real company.
 */
export function sandboxProvider(pool: Pool): PaymentProvider {
	const statusOf = batchedStatement<string, string | undefined>(async (references) => {
		const { rows } = await pool.query<{ reference: string; status: string }>(
			"SELECT reference, status FROM sandbox_charges WHERE reference = ANY ($1)",
			[references],
		);
		const statuses = new Map(rows.map(({ reference, status }) => [reference, status]));
		return references.map((reference) => statuses.get(reference));
	});
	const write = batchedStatement<Entry, undefined>(
		async (entries) => {
			await pool.query(
				`INSERT INTO sandbox_charges (reference, amount_minor, status)
				SELECT * FROM jsonb_to_recordset($1::jsonb) AS given (reference text, amount_minor bigint, status text)
				ORDER BY reference ON CONFLICT DO NOTHING`,
				[JSON.stringify(entries)],
			);
			return entries.map(() => undefined);
		},
		{ concurrency: 2 },
	);
	/** The first record of a reference remains. */
	const enter = async (entry: Entry) => {
		await write(entry);
		return statusOf(entry.reference);
	};
	return {
		name: "sandbox",
		async charge({ reference, method, amount_minor }) {
			if (method === "transfer") {
				return (await statusOf(reference)) === "cancelled" ? "cancelled" : "pending";
			}
			return (await enter({ reference, amount_minor, status: "settled" })) === "cancelled"
				? "cancelled"
				: "settled";
		},
		async cancel(reference) {
			return (await enter({ reference, amount_minor: 0, status: "cancelled" })) === "cancelled"
				? "cancelled"
				: "settled";
		},
		async refund({ id, reference, amount_minor, charged_minor }) {
			const { rows } = await pool.query<{ outcome: RefundOutcome }>(
				"SELECT sandbox_refund($1, $2, $3, $4) AS outcome",
				[id, reference, amount_minor, charged_minor],
			);
			return (rows[0] as (typeof rows)[number]).outcome;
		},
	};
}
