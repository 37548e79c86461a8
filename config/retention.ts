// Retention periods of events and rows that are no longer needed, in days. docs/reference/retention.md lists all of them.

/** Days that the stream stores an event. */
export const STREAM_KEPT_DAYS = 30;

/**
 * Days that an outbox retains a published event, so that it can be sent again if the stream loses it. An event that not
 * all consumers have confirmed is retained as long as in the stream.
 */
export const EVENTS_KEPT_DAYS = 7;

/**
 * Days that an order's position in an inbox is retained after its last event. A later event then waits for a minute,
 * since its predecessors are unknown. Positions of users are never deleted: there is one for each account.
 */
export const POSITIONS_KEPT_DAYS = 180;

/** Days that the record of a skipped event is retained: by then neither the stream nor an outbox has the event. */
export const GAPS_KEPT_DAYS = 2 * STREAM_KEPT_DAYS;

/** Days that sent messages, and empty ones of deleted users, are retained. Failed ones stay until sent again. */
export const MESSAGES_KEPT_DAYS = 365;

/**
 * Days that an abandoned reservation is retained. An order for it that arrives more than a day after its `expires_at`
 * is refused in any case, so orders have to expire within 29 days.
 */
export const ABANDONED_KEPT_DAYS = 30;

/**
 * Days that a message of the payment provider is retained. A later duplicate finds its payment settled and changes
 * nothing.
 */
export const PROVIDER_EVENTS_KEPT_DAYS = 180;

/** Days that a cart is retained after it was last touched. */
export const CARTS_KEPT_DAYS = 30;

/** Days that a user's former address is retained: as long as the events whose warnings go there. */
export const FORMER_EMAILS_KEPT_DAYS = STREAM_KEPT_DAYS;

/** Days that requests for a mail are retained in a user's history: as long as the mail. Their number stays. */
export const MAIL_REQUESTS_KEPT_DAYS = MESSAGES_KEPT_DAYS;

/** Interval between two prunings by one process. */
export const PRUNE_EVERY_MS = 3_600_000;

/** Maximum number of rows that one statement deletes, so that locks are held only briefly. */
export const PRUNED_AT_ONCE = 5000;
