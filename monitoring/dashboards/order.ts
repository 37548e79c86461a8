import { TextBoxVariableBuilder } from "@grafana/grafana-foundation-sdk/dashboard";
import { dashboard, durations, type Panel, type Row } from "./panels.ts";

const HTTP = "http_server_request_duration_seconds";
const SERVED = "rpc_server_call_duration_seconds";
const QUERIES = "db_client_operation_duration_seconds";
const EVENTS = "messaging_process_duration_seconds";

/** Objects rather than arrays of arguments: a step reads as one. */
const steps = {
	request: durations(
		"1. POST /orders",
		"What the buyer waits for. Every later panel of this row is a part of it.",
		HTTP,
		'method="POST",http_route=~"/api/v[0-9]+/orders"',
	),
	place: durations(
		"2. v1.orders.place",
		"The order's own process: from here on without HTTP.",
		SERVED,
		'rpc_method="v1.orders.place"',
	),
	reserve: durations(
		"3. v1.products.reserve",
		"Units are held in the store of products.",
		SERVED,
		'rpc_method="v1.products.reserve"',
	),
	commit: durations(
		"4. Transaction of the order",
		"Order, lines, key and event are written at once.",
		QUERIES,
		'db_namespace=~".*_orders"',
		"db_operation_name",
	),
} satisfies Record<string, Panel>;

const rows: Row[] = [
	{ title: "Until the buyer has an answer", panels: Object.values(steps) },
	{
		title: "From the order to the mail",
		panels: [
			{
				title: "5. Outbox of orders",
				description: "Age of the oldest event that is not in JetStream yet.",
				unit: "s",
				queries: [['max (toko_outbox_oldest_seconds{service="orders"})', "oldest"]],
			},
			durations(
				"6. Inbox",
				"Transaction that handles the event, by the service that does.",
				EVENTS,
				'messaging_destination_name=~"order[.].*"',
				"messaging_consumer_group_name",
			),
			durations(
				"7. Delivery to the mail server",
				"Time that the mail server takes for a message.",
				"toko_mail_send_duration_seconds",
				"",
				"channel",
			),
			durations(
				"8. From the event to the mail",
				"Everything together, queues and retries included.",
				"toko_mail_delay_seconds",
				"",
				"channel",
			),
		],
	},
	{
		title: "What can stop an order",
		panels: [
			{
				title: "Refused orders by code",
				description: "OUT_OF_STOCK and the like are answers; REQUEST_TIMEOUT and codes of 5xx are faults.",
				unit: "short",
				queries: [
					[
						`sum by (error_type) (increase(${SERVED}_count{rpc_method=~"v1.orders.(place|pay)",error_type!=""}[$__rate_interval]))`,
						"{{error_type}}",
					],
				],
			},
			{
				title: "Waiting for a place",
				description: "Orders that wait in the bulkhead, since as many as allowed are being placed.",
				unit: "short",
				queries: [['sum (toko_bulkhead_queued{rpc_method="v1.orders.place"})', "waiting"]],
			},
			{
				title: "Waiting for a connection",
				description: "Queries of orders that wait for a connection to PostgreSQL.",
				unit: "short",
				queries: [
					[
						'sum (db_client_connection_pending_requests{db_client_connection_pool_name=~".* orders"})',
						"waiting",
					],
				],
			},
		],
		logs: 'trace_id:="$trace"',
	},
];

/** The way of one order from the request to the mail. */
export const order = dashboard(
	"toko-order",
	"Toko: the way of an order",
	"Each step of an order from the request to the mail. A point of a graph leads to a trace; its id shows the log lines below.",
	rows,
).withVariable(new TextBoxVariableBuilder("trace").label("Trace id").defaultValue(""));
