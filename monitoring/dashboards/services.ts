import { dashboard, durations, type Panel, quantile, type Row, rate } from "./panels.ts";

const HTTP = "http_server_request_duration_seconds";
const SERVED = "rpc_server_call_duration_seconds";
const REMOTE = "rpc_client_call_duration_seconds";
const EVENTS = "messaging_process_duration_seconds";

/** Rate, errors and duration of a histogram. */
function red(
	what: string,
	histogram: string,
	by: string,
	errors: { selector: string; by: string },
): [Panel, Panel, Panel] {
	return [
		{
			title: `${what}: rate`,
			description: "A second, errors included.",
			unit: "reqps",
			queries: [[rate(`${histogram}_count`, by), `{{${by}}}`]],
		},
		{
			title: `${what}: errors`,
			description:
				"A second. A code such as PRODUCT_NOT_FOUND is the caller's mistake; timeouts and 5xx are the shop's.",
			unit: "reqps",
			queries: [
				[rate(`${histogram}_count{${errors.selector}}`, `${by}, ${errors.by}`), `{{${by}}} {{${errors.by}}}`],
			],
		},
		{
			title: `${what}: 99th percentile`,
			description: "Time of the slowest of a hundred. Points lead to traces.",
			unit: "s",
			hasExemplars: true,
			queries: [[quantile(0.99, histogram, "", by), `{{${by}}}`]],
		},
	];
}

const rows: Row[] = [
	{
		title: "Routes of the gateway",
		panels: red("Routes", HTTP, "http_route", { selector: 'status=~"[45].."', by: "status" }),
	},
	{
		title: "Actions, where they run",
		panels: red("Actions", SERVED, "rpc_method", { selector: 'error_type!=""', by: "error_type" }),
	},
	{
		title: "Calls to other processes, all tries included",
		panels: red("Calls", REMOTE, "rpc_method", { selector: 'error_type!=""', by: "error_type" }),
	},
	{
		title: "Errors",
		panels: [
			{
				title: "Time since the last error",
				description: "Of each action and event, by code. Mistakes of clients do not count.",
				unit: "s",
				queries: [
					[
						"time() - max by (source, error_type) (toko_last_error_timestamp_seconds)",
						"{{source}} {{error_type}}",
					],
				],
			},
		],
	},
	{
		title: "Events, where they are handled",
		panels: red("Events", EVENTS, "messaging_destination_name", {
			selector: 'error_type!=""',
			by: "error_type",
		}),
	},
	{
		title: "Resilience",
		panels: [
			{
				title: "Open circuit breakers",
				description: "Calls to these nodes are refused, since too many of them failed or timed out.",
				unit: "short",
				queries: [["sum by (rpc_method) (toko_circuit_breakers_open)", "{{rpc_method}}"]],
			},
			{
				title: "Bulkheads",
				description: "Calls that run inside of a limit, and calls that wait for a place in it.",
				unit: "short",
				queries: [
					["sum by (rpc_method) (toko_bulkhead_active)", "{{rpc_method}} active"],
					["sum by (rpc_method) (toko_bulkhead_queued)", "{{rpc_method}} waiting"],
				],
			},
			{
				title: "Cached responses",
				description:
					"hit: from memory; miss: asked for; stale: from memory, because the service was unavailable.",
				unit: "reqps",
				queries: [[rate("toko_response_cache_total", "result"), "{{result}}"]],
			},
		],
	},
];

/** Rate, errors and duration of every route, action and event handler. */
export const services = dashboard(
	"toko-services",
	"Toko: services",
	"Rate, errors and duration of routes, actions, calls between processes and event handlers.",
	[
		{
			title: "Gateway",
			panels: [
				{
					title: "Requests",
					description: "Requests to the gateway a second.",
					unit: "reqps",
					queries: [[rate(`${HTTP}_count`), "requests"]],
				},
				durations("Response time", "Time until the response has ended, all routes.", HTTP),
			],
		},
		...rows,
	],
);
