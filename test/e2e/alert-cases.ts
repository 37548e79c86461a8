/** Series over time in the notation of promtool: `0+5x10` is 0, 5, 10 … 50, one value a minute. */
type Series = Record<string, string>;

/** When an alert fires, and when it does not; `every` is the time between values, a minute by default. */
export interface Case {
	alert: string;
	/** Series with which it fires at a time, and the labels of the alerts then. */
	fires: { series: Series; at: string; labels: Record<string, string>[]; every?: string }[];
	/** Series with which it does not. */
	quiet: { series: Series; at: string; every?: string }[];
}

const ORDERS = 'method="POST",http_route="/api/v1/orders"';
const READS = 'method="GET",http_route="/api/v1/products/:id"';
const HTTP = "http_server_request_duration_seconds";

/** Requests of which some are answered within a time and without a 5xx status. */
function requests(selector: string, le: string, all: string, good: string, status = "201"): Series {
	return {
		[`${HTTP}_count{${selector},status="${status}"}`]: all,
		[`${HTTP}_bucket{${selector},status="${status}",le="${le}"}`]: good,
	};
}

const process = (service: string, node: string, kind = "node") =>
	`up{job="toko",process="${kind}",node="${node}",services="${service}",instance="${node}:9464"}`;
const whole = { api: "a", users: "u", products: "p", orders: "o", notifications: "n" };
const up = Object.fromEntries(
	Object.entries(whole).map(([service, node]) => [process(service, node), "1x30"]),
);

export const CASES: Case[] = [
	{
		alert: "OrderErrorBudgetBurn",
		fires: [
			{
				// One of twenty orders is slow.
				series: requests(ORDERS, "1", "0+100x90", "0+95x90"),
				at: "65m",
				labels: [
					{ slo: "orders", severity: "page" },
					{ slo: "orders", severity: "ticket" },
				],
			},
			{
				// All orders fail, quickly, and Prometheus 3 has stored the bound.
				series: requests(ORDERS, "1.0", "0+100x90", "0+100x90", "503"),
				at: "65m",
				labels: [
					{ slo: "orders", severity: "page" },
					{ slo: "orders", severity: "ticket" },
				],
			},
			{
				// Four of a thousand for three days do not wake anybody.
				series: requests(ORDERS, "1", "0+1000x150", "0+996x150"),
				...{ at: "74h", every: "30m" },
				labels: [{ slo: "orders", severity: "ticket" }],
			},
		],
		quiet: [
			{ series: requests(ORDERS, "1", "0+100x90", "0+100x90"), at: "65m" },
			// No orders at all.
			{ series: requests(ORDERS, "1", "100x90", "90x90"), at: "65m" },
			// The fault has ended, which the short window sees.
			{
				series: requests(ORDERS, "1", "0+100x70 7100+100x390", "0+0x10 0+100x450"),
				at: "420m",
			},
			// A buyer's mistake is no fault of the shop.
			{ series: requests(ORDERS, "1", "0+100x90", "0+100x90", "409"), at: "65m" },
		],
	},
	{
		alert: "ReadErrorBudgetBurn",
		fires: [
			{
				series: requests(READS, "0.25", "0+100x90", "0+95x90", "200"),
				at: "65m",
				labels: [
					{ slo: "reads", severity: "page" },
					{ slo: "reads", severity: "ticket" },
				],
			},
		],
		quiet: [{ series: requests(READS, "0.25", "0+100x90", "0+100x90", "200"), at: "65m" }],
	},
	{
		alert: "MailErrorBudgetBurn",
		fires: [
			{
				series: {
					'toko_mail_delay_seconds_count{channel="email"}': "0+100x90",
					'toko_mail_delay_seconds_bucket{channel="email",le="60"}': "0+50x90",
				},
				at: "65m",
				labels: [
					{ slo: "mails", severity: "page" },
					{ slo: "mails", severity: "ticket" },
				],
			},
		],
		quiet: [
			{
				series: {
					'toko_mail_delay_seconds_count{channel="email"}': "0+100x90",
					'toko_mail_delay_seconds_bucket{channel="email",le="60"}': "0+100x90",
				},
				at: "65m",
			},
		],
	},
	{
		alert: "OutboxStuck",
		fires: [
			{
				series: {
					'toko_outbox_oldest_seconds{service="orders",node="a"}': "0+60x10",
					'toko_outbox_oldest_seconds{service="orders",node="b"}': "0+60x10",
				},
				at: "5m",
				labels: [{ service: "orders", severity: "page" }],
			},
		],
		quiet: [
			{ series: { 'toko_outbox_oldest_seconds{service="orders"}': "0x5 50x5" }, at: "8m" },
			// A moment, as after a restart of NATS.
			{ series: { 'toko_outbox_oldest_seconds{service="orders"}': "0 90 0 0 90 0 0" }, at: "4m" },
		],
	},
	{
		alert: "InboxBacklog",
		fires: [
			{
				series: { 'toko_inbox_pending{service="products",node="a"}': "500x10" },
				at: "7m",
				labels: [{ service: "products", severity: "ticket" }],
			},
		],
		// A rush that is handled in between.
		quiet: [{ series: { 'toko_inbox_pending{service="products"}': "500 0 500 500 0 500 500 0" }, at: "7m" }],
	},
	{
		alert: "DeadLetters",
		fires: [
			{
				series: {
					'toko_dead_letters_kept{service="notifications",node="a"}': "0 2",
					'toko_dead_letters_kept{service="notifications",node="b"}': "0 2",
				},
				at: "1m",
				labels: [{ service: "notifications", severity: "ticket" }],
			},
		],
		quiet: [{ series: { 'toko_dead_letters_kept{service="notifications"}': "2 0" }, at: "1m" }],
	},
	{
		alert: "JobsLate",
		fires: [
			{
				series: { 'toko_jobs_oldest_seconds{service="orders"}': "0+60x15" },
				at: "8m",
				labels: [{ service: "orders", severity: "ticket" }],
			},
		],
		quiet: [{ series: { 'toko_jobs_oldest_seconds{service="orders"}': "200x15" }, at: "8m" }],
	},
	{
		alert: "MailsWaiting",
		fires: [
			{
				series: { 'toko_mails_oldest_seconds{channel="email"}': "0+60x15" },
				at: "8m",
				labels: [{ channel: "email", severity: "page" }],
			},
		],
		quiet: [{ series: { 'toko_mails_oldest_seconds{channel="email"}': "200x15" }, at: "8m" }],
	},
	{
		alert: "MailsRefused",
		fires: [
			{
				// None has ever been sent.
				series: { 'toko_mails_total{channel="email",type="welcome",state="retried"}': "0+5x15" },
				at: "6m",
				labels: [{ channel: "email", severity: "page" }],
			},
			{
				series: {
					'toko_mails_total{channel="email",type="welcome",state="retried"}': "0+5x15",
					'toko_mails_total{channel="email",type="welcome",state="sent"}': "0+4x15",
				},
				at: "6m",
				labels: [{ channel: "email", severity: "page" }],
			},
		],
		quiet: [
			{
				series: {
					'toko_mails_total{channel="email",type="welcome",state="retried"}': "0+4x15",
					'toko_mails_total{channel="email",type="welcome",state="sent"}': "0+5x15",
				},
				at: "6m",
			},
			{ series: { 'toko_mails_total{channel="email",type="welcome",state="retried"}': "7x15" }, at: "6m" },
		],
	},
	{
		alert: "AuditBreach",
		fires: [
			{
				series: {
					'toko_audit_breaches{check="units",node="a"}': "3x5",
					'toko_audit_breaches{check="mails",node="a"}': "0x5",
				},
				at: "2m",
				labels: [{ check: "units", severity: "page" }],
			},
		],
		quiet: [{ series: { 'toko_audit_breaches{check="units"}': "0x5" }, at: "2m" }],
	},
	{
		alert: "AuditOverdue",
		fires: [
			{
				series: { toko_audit_last_run_timestamp_seconds: "0x50" },
				...{ at: "49h", every: "1h" },
				labels: [{ severity: "ticket" }],
			},
		],
		quiet: [{ series: { toko_audit_last_run_timestamp_seconds: "0x50" }, at: "47h", every: "1h" }],
	},
	{
		alert: "ProcessMissing",
		fires: [
			// A process that does not respond.
			{
				series: { ...up, [process("orders", "o")]: "1 0x10" },
				at: "5m",
				labels: [{ service: "orders", severity: "page" }],
			},
			// A process that has left the registry.
			{
				series: Object.fromEntries(Object.entries(up).filter(([name]) => !name.includes('services="users"'))),
				at: "5m",
				labels: [{ service: "users", severity: "page" }],
			},
			// The delivery worker is no process of notifications.
			{
				series: {
					...Object.fromEntries(Object.entries(up).filter(([name]) => !name.includes('"notifications"'))),
					[process("notifications", "n", "delivery-worker")]: "1x10",
				},
				at: "5m",
				labels: [{ service: "notifications", severity: "page" }],
			},
		],
		quiet: [
			{ series: up, at: "5m" },
			{ series: { [process("api,notifications,orders,products,users", "one")]: "1x10" }, at: "5m" },
			// A restart.
			{ series: { ...up, [process("orders", "o")]: "1 1 0 1 1 1" }, at: "3m" },
		],
	},
	{
		alert: "ProcessNotScraped",
		fires: [
			{
				series: { [process("orders", "o")]: "1 0x10" },
				at: "5m",
				labels: [
					{
						...{ job: "toko", process: "node", node: "o", services: "orders", instance: "o:9464" },
						severity: "ticket",
					},
				],
			},
		],
		quiet: [{ series: { [process("orders", "o")]: "1x10" }, at: "5m" }],
	},
	{
		alert: "CircuitBreakerOpen",
		fires: [
			{
				series: {
					'toko_circuit_breakers_open{rpc_method="v1.orders.place",node="a",exported_node="o"}':
						"1 _ 1 1 _ 1 1 1",
					'toko_circuit_breakers_open{rpc_method="v1.orders.place",node="b",exported_node="o"}': "1x7",
				},
				at: "6m",
				labels: [{ rpc_method: "v1.orders.place", severity: "ticket" }],
			},
		],
		// Once, as after a restart.
		quiet: [
			{ series: { 'toko_circuit_breakers_open{rpc_method="v1.orders.place"}': "_ 1 _ _ _ _" }, at: "4m" },
		],
	},
	{
		alert: "EventLoopBlocked",
		fires: [
			{
				series: { 'nodejs_eventloop_lag_p99_seconds{node="a"}': "0.9x10" },
				at: "4m",
				labels: [{ node: "a", severity: "ticket" }],
			},
		],
		quiet: [
			{ series: { 'nodejs_eventloop_lag_p99_seconds{node="a"}': "0.05x10" }, at: "4m" },
			{ series: { 'nodejs_eventloop_lag_p99_seconds{node="a"}': "0.05 0.9 0.05 0.9 0.05 0.05" }, at: "4m" },
		],
	},
	{
		alert: "JetStreamDiskFilling",
		fires: [
			{
				series: {
					'jetstream_server_total_message_bytes{server_name="n1"}': "90x20",
					'jetstream_server_max_storage{server_name="n1"}': "100x20",
				},
				at: "8m",
				labels: [{ server_name: "n1", severity: "ticket" }],
			},
		],
		quiet: [
			{
				series: {
					'jetstream_server_total_message_bytes{server_name="n1"}': "70x20",
					'jetstream_server_max_storage{server_name="n1"}': "100x20",
				},
				at: "8m",
			},
			// Without a limit.
			{
				series: {
					'jetstream_server_total_message_bytes{server_name="n1"}': "70x20",
					'jetstream_server_max_storage{server_name="n1"}': "0x20",
				},
				at: "8m",
			},
		],
	},
	{
		alert: "PostgresConnections",
		fires: [
			{
				series: {
					'pg_stat_activity_count{instance="p",state="idle"}': "150x20",
					'pg_stat_activity_count{instance="p",state="active"}': "20x20",
					'pg_settings_max_connections{instance="p"}': "200x20",
				},
				at: "8m",
				labels: [{ instance: "p", severity: "ticket" }],
			},
		],
		quiet: [
			{
				series: {
					'pg_stat_activity_count{instance="p",state="idle"}': "150x20",
					'pg_settings_max_connections{instance="p"}': "200x20",
				},
				at: "8m",
			},
		],
	},
];
