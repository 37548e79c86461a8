import { STREAM_KEPT_DAYS } from "../events/envelope.ts";

// How long rows stay that nothing needs any more, in days. docs/reference/retention.md lists all ages.

/**
 * The place of an order's events in an inbox, after the last of them. An event that comes later still waits for a minute,
 * since those before it are unknown then. Places of users stay: there is one for each account.
 */
export const PLACES_KEPT_DAYS = 180;

/** A note that an event was passed over: by then neither the stream nor an outbox has it. */
export const GAPS_KEPT_DAYS = 2 * STREAM_KEPT_DAYS;

/** A message that was sent, and an empty one of a deleted user. What failed stays until it is sent again. */
export const MESSAGES_KEPT_DAYS = 365;

/**
 * A reservation that was abandoned. An order of it that comes more than a day after its `expires_at` is refused by itself, so
 * orders have to expire within 29 days.
 */
export const ABANDONED_KEPT_DAYS = 30;

/** A message of the payment provider. The same once more finds its payment settled, and changes nothing. */
export const PROVIDER_EVENTS_KEPT_DAYS = 180;

/** A user's former address: as long as the events whose warnings go there. */
export const FORMER_EMAILS_KEPT_DAYS = STREAM_KEPT_DAYS;

/** When a mail was asked for, or its warning announced: as long as the mail. How often stays. */
export const MAIL_REQUESTS_KEPT_DAYS = MESSAGES_KEPT_DAYS;

/** How often each process prunes. */
export const PRUNE_EVERY_MS = 3_600_000;

/** How many rows one statement deletes. */
export const PRUNED_AT_ONCE = 5000;
