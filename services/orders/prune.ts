import type { Pool } from "pg";

/** A reservation that was abandoned is kept so long: an order of it that comes later than a day is refused by itself. */
export const ABANDONED_KEPT_DAYS = 30;
/** A message of the provider is kept so long. The same once more finds its payment settled, and changes nothing. */
export const PROVIDER_EVENTS_KEPT_DAYS = 180;

const ROWS_AT_ONCE = 5000;

const OLD = [
	["reservations", "id", `order_id IS NULL AND created_at < now() - interval '${ABANDONED_KEPT_DAYS} days'`],
	["provider_events", "id", `received_at < now() - interval '${PROVIDER_EVENTS_KEPT_DAYS} days'`],
] as const;

/** Deletes what nothing asks for any more, some rows in a statement. A job, once an hour. */
export async function pruneOrders(pool: Pool): Promise<void> {
	for (const [table, key, isOld] of OLD) {
		let deleted: number | null;
		do {
			({ rowCount: deleted } = await pool.query(
				`DELETE FROM ${table} WHERE ${key} IN (SELECT ${key} FROM ${table} WHERE ${isOld} LIMIT ${ROWS_AT_ONCE})`,
			));
		} while (deleted === ROWS_AT_ONCE);
	}
}
