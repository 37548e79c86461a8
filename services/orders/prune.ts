import { ABANDONED_KEPT_DAYS, PROVIDER_EVENTS_KEPT_DAYS } from "../../config/retention.ts";
import { oldRows } from "../../mixins/pruning.ts";
import { IS_OVER, KEY_HOURS } from "./idempotency.ts";

/** Forgets reservations that were abandoned long ago. */
export const pruneReservations = oldRows(
	"reservations",
	`order_id IS NULL AND created_at < now() - interval '${ABANDONED_KEPT_DAYS} days'`,
);

/** Forgets messages of the payment provider that are old. */
export const pruneProviderEvents = oldRows(
	"provider_events",
	`received_at < now() - interval '${PROVIDER_EVENTS_KEPT_DAYS} days'`,
);

/** Forgets keys that have counted for their time. */
export const pruneKeys = oldRows("idempotency_keys k", IS_OVER(String(KEY_HOURS)));
