import { ABANDONED_KEPT_DAYS, PROVIDER_EVENTS_KEPT_DAYS, PRUNED_AT_ONCE } from "../../config/retention.ts";
import type { Prune } from "../../mixins/pruning.ts";

/** Deletes reservations that were abandoned long ago. */
export const pruneReservations = prune(
	"reservations",
	`order_id IS NULL AND created_at < now() - interval '${ABANDONED_KEPT_DAYS} days'`,
);

/** Deletes old events of the payment provider. */
export const pruneProviderEvents = prune(
	"provider_events",
	`received_at < now() - interval '${PROVIDER_EVENTS_KEPT_DAYS} days'`,
);

function prune(table: string, isOld: string): Prune {
	return async (pool) => {
		const { rowCount } = await pool.query(
			`DELETE FROM ${table} WHERE ctid = ANY (ARRAY(
				SELECT ctid FROM ${table} WHERE ${isOld} LIMIT ${PRUNED_AT_ONCE} FOR UPDATE SKIP LOCKED
			))`,
		);
		return rowCount === PRUNED_AT_ONCE;
	};
}
