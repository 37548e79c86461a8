import type { Pool } from "pg";
import type { PaymentProvider } from "./provider.ts";

/**
 * A provider that moves no money, for development and tests. `instant` settles at once; `transfer` waits for a webhook
 * that anybody who knows the secret can send. Its books are written outside the shop's transactions, so that a process
 * can die between the charge and the order as it can with a real company.
 */
export function sandboxProvider(pool: Pool): PaymentProvider {
	const statusOf = async (reference: string) => {
		const { rows } = await pool.query<{ status: string }>(
			"SELECT status FROM sandbox_charges WHERE reference = $1",
			[reference],
		);
		return rows[0]?.status;
	};
	/** The first entry of a reference stays. */
	const enter = async (reference: string, amount_minor: number, status: "settled" | "cancelled") => {
		await pool.query(
			"INSERT INTO sandbox_charges (reference, amount_minor, status) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
			[reference, amount_minor, status],
		);
		return statusOf(reference);
	};
	return {
		name: "sandbox",
		async charge({ reference, method, amount_minor }) {
			if (method === "transfer") {
				return (await statusOf(reference)) === "cancelled" ? "cancelled" : "pending";
			}
			return (await enter(reference, amount_minor, "settled")) === "cancelled" ? "cancelled" : "settled";
		},
		async cancel(reference) {
			return (await enter(reference, 0, "cancelled")) === "cancelled" ? "cancelled" : "settled";
		},
		async refund(reference, amount_minor) {
			await pool.query(
				`INSERT INTO sandbox_charges (reference, amount_minor, status) VALUES ($1, $2, 'refunded')
				ON CONFLICT (reference) DO UPDATE SET status = 'refunded', amount_minor = excluded.amount_minor`,
				[reference, amount_minor],
			);
		},
	};
}
