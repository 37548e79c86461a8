import { ABANDONED_KEPT_DAYS, CARTS_KEPT_DAYS, PROVIDER_EVENTS_KEPT_DAYS } from "../../config/retention.ts";
import { oldRows } from "../../mixins/pruning.ts";
import { IS_EXPIRED, KEY_HOURS } from "./idempotency.ts";

/** Deletes reservations that were abandoned long ago. */
export const pruneReservations = oldRows(
	"reservations",
	`order_id IS NULL AND created_at < now() - interval '${ABANDONED_KEPT_DAYS} days'`,
);

/** Deletes old events of the payment provider. */
export const pruneProviderEvents = oldRows(
	"provider_events",
	`received_at < now() - interval '${PROVIDER_EVENTS_KEPT_DAYS} days'`,
);

/** Deletes carts that nobody touched for long, ordered and merged ones included, with their items. */
export const pruneCarts = oldRows("carts", `touched_at < now() - interval '${CARTS_KEPT_DAYS} days'`);

/** Deletes expired idempotency keys. */
export const pruneKeys = oldRows("idempotency_keys k", IS_EXPIRED(String(KEY_HOURS)));
