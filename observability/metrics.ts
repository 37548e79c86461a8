import { counter, durations, ScrapedGauge, scrapedCounter, scrapedCounters } from "./registry.ts";
import { droppedTraces, lostSpans } from "./tracing.ts";

// All metrics of Toko, besides those of the Node.js process (`process_…`, `nodejs_…`).

export const httpRequests = durations(
	"http_server_request_duration_seconds",
	"Requests to the gateway, by method, route and status.",
	["method", "http_route", "status"],
);

export const servedCalls = durations(
	"rpc_server_call_duration_seconds",
	"Calls of actions, as the process that runs them sees them; only those that fail have an `error_type`.",
	["rpc_method", "error_type"],
	"actions",
);

export const remoteCalls = durations(
	"rpc_client_call_duration_seconds",
	"Calls of actions in other processes, as the caller sees them, all tries included.",
	["rpc_method", "error_type"],
	"remote",
);

export const handledEvents = durations(
	"messaging_process_duration_seconds",
	"Transactions that handle events, by service and event; those of a batch share one.",
	["messaging_consumer_group_name", "messaging_destination_name", "error_type"],
);

export const queries = durations(
	"db_client_operation_duration_seconds",
	"Operations on databases, by database and kind of statement; `error_type` is the code of a failure.",
	["db_namespace", "db_operation_name", "error_type"],
	"queries",
);

export const connections = new ScrapedGauge(
	"db_client_connection_count",
	"Connections to databases, by pool and state (idle, used).",
	["db_client_connection_pool_name", "db_client_connection_state"],
);

export const waitingForConnection = new ScrapedGauge(
	"db_client_connection_pending_requests",
	"Queries that wait for a connection of their pool.",
	["db_client_connection_pool_name"],
);

export const outboxPending = new ScrapedGauge(
	"toko_outbox_pending",
	"Events that wait to be published. Every process of a service reports the same.",
	["service"],
);

export const outboxOldest = new ScrapedGauge(
	"toko_outbox_oldest_seconds",
	"Time for which the oldest unpublished event has been waiting. Every process of a service reports the same.",
	["service"],
);

export const inboxPending = new ScrapedGauge(
	"toko_inbox_pending",
	"Events in the stream that a service has not handled yet. Every process of a service reports the same.",
	["service"],
);

export const deadLetters = counter(
	"toko_dead_letters_total",
	"Events that could not be handled and became dead letters.",
	["service"],
);

export const deadLettersKept = new ScrapedGauge(
	"toko_dead_letters_kept",
	"Dead letters that wait for an operator. Every process of a service reports the same.",
	["service"],
);

export const jobsPending = new ScrapedGauge(
	"toko_jobs_pending",
	"Jobs that are due. Every process of a service reports the same.",
	["service"],
);

export const jobsOldest = new ScrapedGauge(
	"toko_jobs_oldest_seconds",
	"Time for which the oldest job has been due. Every process of a service reports the same.",
	["service"],
);

export const eventsPublished = counter(
	"toko_events_published_total",
	"Events that the relay of this process has published, repetitions included.",
	["service", "event"],
);

export const breakersOpen = new ScrapedGauge(
	"toko_circuit_breakers_open",
	"Circuit breakers of this process that let no calls through, by action and the node it called.",
	["rpc_method", "node"],
);

export const bulkheadActive = new ScrapedGauge(
	"toko_bulkhead_active",
	"Calls that run inside of a bulkhead.",
	["rpc_method"],
);

export const bulkheadQueued = new ScrapedGauge(
	"toko_bulkhead_queued",
	"Calls that wait for a place in a bulkhead.",
	["rpc_method"],
);

export const tracesDropped = scrapedCounter(
	"toko_traces_dropped_total",
	"Parts of traces that were dropped, because more spans waited to be exported than may wait.",
	droppedTraces,
);

export const spansLost = scrapedCounters(
	"toko_spans_lost_total",
	"Spans that were not exported: failed (the endpoint did not take their request), rejected by the endpoint, or queue (too many others waited).",
	"reason",
	lostSpans,
);

export const cachedResponses = counter(
	"toko_response_cache_total",
	"Responses of cacheable actions: hit (cached), miss, or stale (cached, the service was unavailable).",
	["rpc_method", "result"],
);

export const orders = counter(
	"toko_orders_total",
	"Orders that entered a status; those that are placed enter `pending`.",
	["status"],
);

export const payments = counter(
	"toko_payments_total",
	"Payments by outcome: paid, late (refunded) or failed.",
	["outcome"],
);

export const revenue = counter(
	"toko_revenue_total",
	"Money of paid orders, in the main unit of the currency; refunds are not subtracted.",
	["currency"],
);

export const refunds = counter("toko_refunds_total", "Money given back, in the main unit of the currency.", [
	"currency",
]);

export const stockOuts = counter(
	"toko_stock_outs_total",
	"Orders that were refused because a product had not enough units.",
);

export const holdsOpen = new ScrapedGauge(
	"toko_holds_open",
	"Unpaid orders, which hold units of products. Every process of orders reports the same.",
	["service"],
);

export const cartsOpen = new ScrapedGauge(
	"toko_carts_open",
	"Carts that are neither ordered, merged nor removed. Every process of orders reports the same.",
	["service"],
);

export const mails = counter(
	"toko_mails_total",
	"Messages to customers by channel, type and state: sent, retried, failed (given up) or dropped (the user is gone).",
	["channel", "type", "state"],
);

export const sends = durations(
	"toko_mail_send_duration_seconds",
	"Deliveries of messages to the mail server or text message provider, by channel; measured by the delivery worker.",
	["channel", "error_type"],
);

export const mailDelays = durations(
	"toko_mail_delay_seconds",
	"Time from an event until its message was sent, by channel, all retries included.",
	["channel"],
	"mails",
);

export const mailsQueued = new ScrapedGauge(
	"toko_mails_queued",
	"Messages that wait to be sent. Every process of notifications reports the same.",
	["channel"],
);

export const mailsOldest = new ScrapedGauge(
	"toko_mails_oldest_seconds",
	"Time for which the oldest due message has been waiting. Every process of notifications reports the same.",
	["channel"],
);

export const lastErrors = new ScrapedGauge(
	"toko_last_error_timestamp_seconds",
	"Time of the latest failure of an action or event with an error; mistakes of callers are left out. At most 20.",
	["source", "error_type"],
);

export const auditBreaches = new ScrapedGauge(
	"toko_audit_breaches",
	"Breaches that the latest audit has found, by check. Every process of orders reports the same.",
	["check"],
);

export const auditLastRun = new ScrapedGauge(
	"toko_audit_last_run_timestamp_seconds",
	"Time at which the latest audit has ended. Every process of orders reports the same.",
	[],
);

export const auditDuration = new ScrapedGauge(
	"toko_audit_duration_seconds",
	"Duration of the latest audit. Every process of orders reports the same.",
	[],
);
