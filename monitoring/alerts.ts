import type { AlertingRule } from "./rule-types.ts";
import { duration, limit, type Scale } from "./scale.ts";

/** Time in seconds for which a condition holds before most alerts fire: longer than a restart takes. */
const PENDING = 60;
const MINUTES = 60;
const HOURS = 3600;

/** Alerts for what no objective of the shop sees. Each has a runbook of its name. */
export function alerts(scale: Scale): AlertingRule[] {
	const after = (seconds: number) => duration(seconds, scale);
	const past = (seconds: number) => limit(seconds, scale);
	const states = (state: string) =>
		`sum by (channel) (rate(toko_mails_total{state="${state}"}[${after(10 * MINUTES)}]))`;
	return [
		{
			alert: "OutboxStuck",
			expr: `max by (service) (toko_outbox_oldest_seconds) > ${past(1 * MINUTES)}`,
			for: after(PENDING),
			severity: "page",
			summary: "Events of {{ $labels.service }} are not published",
			description:
				"The oldest event has been waiting for {{ $value | humanizeDuration }}. Mails and stock of paid orders wait for it.",
		},
		{
			alert: "InboxBacklog",
			expr: `min by (service) (min_over_time(toko_inbox_pending[${after(5 * MINUTES)}])) > 100`,
			for: after(PENDING),
			severity: "ticket",
			summary: "{{ $labels.service }} does not keep up with the events",
			description: "At least {{ $value }} events have been waiting for five minutes.",
		},
		{
			alert: "DeadLetters",
			expr: "max by (service) (toko_dead_letters_kept) > 0",
			severity: "ticket",
			summary: "{{ $value }} events could not be handled by {{ $labels.service }}",
			description: "They are kept as dead letters until an operator retries them.",
		},
		{
			alert: "JobsLate",
			expr: `max by (service) (toko_jobs_oldest_seconds) > ${past(5 * MINUTES)}`,
			for: after(PENDING),
			severity: "ticket",
			summary: "Jobs of {{ $labels.service }} do not run",
			description:
				"The oldest has been due for {{ $value | humanizeDuration }}. Unpaid orders may not expire, and deleted users not be forgotten.",
		},
		{
			alert: "MailsWaiting",
			expr: `max by (channel) (toko_mails_oldest_seconds) > ${past(5 * MINUTES)}`,
			for: after(PENDING),
			severity: "page",
			summary: "Messages by {{ $labels.channel }} are not sent",
			description:
				"The oldest has been due for {{ $value | humanizeDuration }}. A message that is never sent does not count in its objective.",
		},
		{
			alert: "MailsRefused",
			expr: `${states("retried")} > (${states("sent")} or ${states("retried")} * 0)`,
			for: after(PENDING),
			severity: "page",
			summary: "More messages by {{ $labels.channel }} fail than are sent",
			description:
				"The mail server or the provider of text messages refuses them or is unavailable. They are retried with growing pauses.",
		},
		{
			alert: "AuditBreach",
			expr: "max without (instance, node, process, services) (toko_audit_breaches) > 0",
			severity: "page",
			summary: "The audit has found {{ $value }} breaches of a promise of the shop",
			description: "Units, orders, payments or mails do not agree between the databases.",
		},
		{
			alert: "AuditOverdue",
			expr: `time() - max(toko_audit_last_run_timestamp_seconds) > ${past(48 * HOURS)}`,
			severity: "ticket",
			summary: "The audit has not run for two days",
			description: "The last run was {{ $value | humanizeDuration }} ago.",
		},
		{
			alert: "ProcessMissing",
			expr: "toko:processes:up < toko:processes:expected",
			for: after(PENDING),
			severity: "page",
			summary: "Too few processes of {{ $labels.service }}",
			description: "Only {{ $value }} of them can be scraped.",
		},
		{
			alert: "ProcessNotScraped",
			expr: 'up{job="toko"} == 0',
			for: after(PENDING),
			severity: "ticket",
			summary: "Metrics of a process of {{ $labels.services }} cannot be read",
			description:
				"The {{ $labels.process }} of {{ $labels.node }} is in the registry, but does not respond at {{ $labels.instance }}.",
		},
		{
			alert: "CircuitBreakerOpen",
			// A breaker lets a call through every two seconds, and does not count as open while that call runs.
			expr: `sum by (rpc_method) (max_over_time(toko_circuit_breakers_open[${after(2 * MINUTES)}])) > 0`,
			for: after(3 * MINUTES),
			severity: "ticket",
			summary: "Calls of {{ $labels.rpc_method }} are refused",
			description:
				"{{ $value }} circuit breakers are open, because too many calls of a node failed or timed out.",
		},
		{
			alert: "EventLoopBlocked",
			expr: `min_over_time(nodejs_eventloop_lag_p99_seconds[${after(2 * MINUTES)}]) > 0.5`,
			for: after(PENDING),
			severity: "ticket",
			summary: "The event loop of {{ $labels.node }} is blocked",
			description:
				"One of 100 turns of the {{ $labels.process }} takes over {{ $value | humanizeDuration }}: all of its requests wait.",
		},
		{
			alert: "JetStreamDiskFilling",
			expr: "jetstream_server_total_message_bytes / (jetstream_server_max_storage > 0) > 0.8",
			for: after(5 * MINUTES),
			severity: "ticket",
			summary: "The disk of JetStream is {{ $value | humanizePercentage }} full",
			description: "When it is full, no event is published: they wait in the outboxes.",
		},
		{
			alert: "PostgresConnections",
			expr: "sum by (instance) (pg_stat_activity_count) > 0.8 * min by (instance) (pg_settings_max_connections)",
			for: after(5 * MINUTES),
			severity: "ticket",
			summary: "PostgreSQL has nearly no connections left",
			description:
				"{{ $value }} connections are in use. When there are none, new processes do not start and requests fail.",
		},
	];
}
