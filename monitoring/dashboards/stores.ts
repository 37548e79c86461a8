import { dashboard, quantile, type Row, rate } from "./panels.ts";

const QUERIES = "db_client_operation_duration_seconds";

const rows: Row[] = [
	{
		title: "Events between services",
		panels: [
			{
				title: "Outbox: age of the oldest event",
				description: "Events that are committed and not yet in JetStream. Some milliseconds are normal.",
				unit: "s",
				queries: [["max by (service) (toko_outbox_oldest_seconds)", "{{service}}"]],
			},
			{
				title: "Outbox: events",
				description: "Number of events that wait to be published.",
				unit: "short",
				queries: [["max by (service) (toko_outbox_pending)", "{{service}}"]],
			},
			{
				title: "Inbox: events",
				description: "Events in JetStream that a service has not handled yet.",
				unit: "short",
				queries: [["max by (service) (toko_inbox_pending)", "{{service}}"]],
			},
			{
				title: "Published events",
				description: "A second, repetitions included.",
				unit: "reqps",
				queries: [[rate("toko_events_published_total", "event"), "{{event}}"]],
			},
		],
	},
	{
		title: "Queues",
		panels: [
			{
				title: "Dead letters",
				description: "Events that could not be handled and wait for an operator, and new ones.",
				unit: "short",
				queries: [
					["max by (service) (toko_dead_letters_kept)", "{{service}} kept"],
					["sum by (service) (increase(toko_dead_letters_total[$__rate_interval]))", "{{service}} new"],
				],
			},
			{
				title: "Jobs: age of the oldest",
				description: "Time for which the oldest job has been due.",
				unit: "s",
				queries: [["max by (service) (toko_jobs_oldest_seconds)", "{{service}}"]],
			},
			{
				title: "Jobs",
				description: "Jobs that are due.",
				unit: "short",
				queries: [["max by (service) (toko_jobs_pending)", "{{service}}"]],
			},
			{
				title: "Messages: age of the oldest",
				description: "Time for which the oldest due message has been waiting.",
				unit: "s",
				queries: [["max by (channel) (toko_mails_oldest_seconds)", "{{channel}}"]],
			},
		],
	},
	{
		title: "Databases, as the shop sees them",
		panels: [
			{
				title: "Operations",
				description: "Statements and operations a second.",
				unit: "reqps",
				queries: [
					[
						rate(`${QUERIES}_count`, "db_namespace, db_operation_name"),
						"{{db_namespace}} {{db_operation_name}}",
					],
				],
			},
			{
				title: "99th percentile",
				description: "Time of the slowest of a hundred operations, by database.",
				unit: "s",
				hasExemplars: true,
				queries: [[quantile(0.99, QUERIES, "", "db_namespace"), "{{db_namespace}}"]],
			},
			{
				title: "Errors",
				description:
					"Failed operations a second, by SQLSTATE: 57P01 a server that stops, 53300 too many connections, 42P01 a missing table.",
				unit: "reqps",
				queries: [
					[
						rate(`${QUERIES}_count{error_type!=""}`, "db_namespace, error_type"),
						"{{db_namespace}} {{error_type}}",
					],
				],
			},
			{
				title: "Connections",
				description:
					"Connections of the pools, and queries that wait for one. Waiting queries mean a pool that is too small or a slow database.",
				unit: "short",
				queries: [
					[
						"sum by (db_client_connection_pool_name, db_client_connection_state) (db_client_connection_count)",
						"{{db_client_connection_pool_name}} {{db_client_connection_state}}",
					],
					[
						"sum by (db_client_connection_pool_name) (db_client_connection_pending_requests)",
						"{{db_client_connection_pool_name}} waiting",
					],
				],
			},
		],
	},
	{
		title: "Servers, by their exporters",
		panels: [
			{
				title: "JetStream: disk",
				description: "Share of the space for events that is used. When it is full, no event is published.",
				unit: "percentunit",
				queries: [
					["jetstream_server_total_message_bytes / (jetstream_server_max_storage > 0)", "{{server_name}}"],
				],
			},
			{
				title: "JetStream: events that consumers have not got",
				description: "The server's own view of the inboxes.",
				unit: "short",
				queries: [["max by (consumer_name) (jetstream_consumer_num_pending)", "{{consumer_name}}"]],
			},
			{
				title: "PostgreSQL: connections",
				description: "By state, beside the server's limit.",
				unit: "short",
				queries: [
					["sum by (state) (pg_stat_activity_count)", "{{state}}"],
					["min (pg_settings_max_connections)", "limit"],
				],
			},
			{
				title: "PostgreSQL: transactions",
				description: "Committed and rolled back, a second.",
				unit: "reqps",
				queries: [
					[rate('pg_stat_database_xact_commit{datname=~"toko.*"}', "datname"), "{{datname}} committed"],
					[rate('pg_stat_database_xact_rollback{datname=~"toko.*"}', "datname"), "{{datname}} rolled back"],
				],
			},
		],
	},
	{
		title: "Audit",
		panels: [
			{
				title: "Breaches",
				description:
					"Breaches of the shop's promises that the last audit found. More than none needs an operator.",
				unit: "short",
				queries: [["max without (instance, node, process, services) (toko_audit_breaches)", "{{check}}"]],
			},
			{
				title: "Time since the last audit",
				description: "Schedule audits with AUDIT_EVERY.",
				unit: "s",
				queries: [["time() - max(toko_audit_last_run_timestamp_seconds)", "last audit"]],
			},
			{
				title: "Duration of the last audit",
				description: "Time that it took to compare all data.",
				unit: "s",
				queries: [["max(toko_audit_duration_seconds)", "duration"]],
			},
		],
	},
];

/** Databases, queues and servers. */
export const stores = dashboard(
	"toko-stores",
	"Toko: databases and queues",
	"Outboxes, inboxes, queues, databases, and the servers behind them.",
	rows,
);
