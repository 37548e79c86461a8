import { readdirSync, readFileSync } from "node:fs";
import { parser } from "@prometheus-io/lezer-promql";
import { collectDefaultMetrics, Registry } from "prom-client";
import "../observability/metrics.ts";
import type { Dashboard } from "@grafana/grafana-foundation-sdk/dashboard";
import { RUNBOOKS, ruleFile } from "../monitoring/rules.ts";
import type { Scale } from "../monitoring/scale.ts";
import { registry } from "../observability/registry.ts";

/**
 * Series of programs that are not part of the shop: postgres_exporter 0.20, prometheus-nats-exporter 0.20, and the audit, which
 * reports only once it has run.
 */
export const ELSEWHERE = {
	exporters: [
		"jetstream_consumer_num_pending",
		"jetstream_server_max_storage",
		"jetstream_server_total_message_bytes",
		"pg_settings_max_connections",
		"pg_stat_activity_count",
		"pg_stat_database_xact_commit",
		"pg_stat_database_xact_rollback",
	],
	audit: ["toko_audit_breaches", "toko_audit_duration_seconds", "toko_audit_last_run_timestamp_seconds"],
};

/**
 * Returns the names of the series that an expression of Prometheus selects.
 *
 * @throws Error if it is none.
 */
export function seriesOf(expr: string): string[] {
	const names: string[] = [];
	parser.parse(expr).iterate({
		enter({ type, from, to, node }) {
			if (type.isError) {
				throw new Error(`no expression: ${expr.slice(0, from)}>>>${expr.slice(from)}`);
			}
			if (type.name === "Identifier" && node.parent?.name === "VectorSelector") {
				names.push(expr.slice(from, to));
			}
		},
	});
	return names;
}

/** A panel's queries, with values in place of Grafana's variables. */
export function panelQueries(dashboard: Dashboard, window = "5m"): { panel: string; expr: string }[] {
	return (dashboard.panels ?? []).flatMap((panel) => {
		const targets = ("targets" in panel && panel.targets) || [];
		const isPrometheus = "datasource" in panel && panel.datasource?.type === "prometheus";
		return (isPrometheus ? (targets as unknown as { expr: string }[]) : []).map(({ expr }) => ({
			panel: `${dashboard.title}: ${panel.title}`,
			expr: expr.replaceAll("$__rate_interval", window).replaceAll("$node", ".+"),
		}));
	});
}

/** Returns the rules with their names. */
export function rulesOf(scale: Scale): { name: string; isAlert: boolean; expr: string }[] {
	return ruleFile(scale)
		.groups.flatMap(({ rules }) => rules as ({ expr: string } & ({ record: string } | { alert: string }))[])
		.map((rule) => ({
			name: "alert" in rule ? rule.alert : rule.record,
			isAlert: "alert" in rule,
			expr: rule.expr,
		}));
}

/** Returns the names of all series that a process of the shop can have. */
export async function seriesOfShop(): Promise<Set<string>> {
	const ofNode = new Registry();
	collectDefaultMetrics({ register: ofNode });
	const metrics = [
		...(await registry.getMetricsAsJSON()),
		...(await ofNode.getMetricsAsJSON()),
	] as unknown as { name: string; type: string }[];
	ofNode.clear();
	return new Set(
		metrics.flatMap(({ name, type }) =>
			type === "histogram" ? ["_bucket", "_sum", "_count"].map((suffix) => name + suffix) : [name],
		),
	);
}

const runbooks = new URL(`../${RUNBOOKS}/`, import.meta.url);

/** Returns the text of each runbook, and its queries of Prometheus. */
export function readRunbooks(): { alert: string; text: string; queries: string[] }[] {
	return readdirSync(runbooks)
		.filter((file) => file !== "README.md")
		.map((file) => {
			const text = readFileSync(new URL(file, runbooks), "utf8");
			const queries = [...text.matchAll(/```promql\n([\s\S]*?)\n```/g)].map(([, query]) => query as string);
			return { alert: file.replace(".md", ""), text, queries };
		});
}
