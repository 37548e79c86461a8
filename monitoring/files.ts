import { createRequire } from "node:module";
import { alertmanagerConfiguration } from "./alertmanager.ts";
import { dashboards } from "./dashboards/dashboards.ts";
import { grafanaDashboards, grafanaSources } from "./grafana.ts";
import { prometheusRule, scrapeConfig } from "./kubernetes.ts";
import { prometheusConfiguration } from "./prometheus.ts";
import { ONE_OF_EACH, ruleFile } from "./rules.ts";

const { dump } = createRequire(import.meta.url)("js-yaml") as {
	dump(value: unknown, options: { lineWidth: number; noRefs: boolean; quotingType: string }): string;
};

const ROOT = new URL("../ops/observability/", import.meta.url);
const KUBERNETES = new URL("../ops/kubernetes/monitoring/", import.meta.url);
const WRITTEN = "# Written by `npm run openapi` from monitoring/; do not edit.\n";

/** Time between scrapes: five fit into the shortest window of an alert. */
const SCRAPE_MS = 15_000;

/** Returns the files of `ops/observability` and of Kubernetes' counterpart that are generated from the code, each with its text. */
export function monitoringFiles(): [URL, string][] {
	return [
		[new URL("rules.yml", ROOT), yaml(ruleFile(ONE_OF_EACH))],
		[
			new URL("prometheus.yml", ROOT),
			yaml(
				prometheusConfiguration({
					targets_url: "http://api:3000/metrics/targets",
					every_ms: SCRAPE_MS,
					rules: ["rules.yml"],
					alertmanagers: ["alertmanager:9093"],
					exporters: { postgres: "postgres-exporter:9187", nats: "nats:7777" },
				}),
			),
		],
		[
			new URL("alertmanager.yml", ROOT),
			yaml(
				alertmanagerConfiguration({
					page: { url_file: "/etc/alertmanager/page-url" },
					ticket: { url_file: "/etc/alertmanager/ticket-url" },
					speed: 1,
				}),
			),
		],
		[new URL("grafana/sources.yml", ROOT), yaml(grafanaSources())],
		[new URL("grafana/dashboards.yml", ROOT), yaml(grafanaDashboards())],
		...dashboards().map((dashboard): [URL, string] => [
			new URL(`grafana/dashboards/${dashboard.uid}.json`, ROOT),
			`${JSON.stringify(dashboard, null, "\t")}\n`,
		]),
		[new URL("scrape.yaml", KUBERNETES), yaml(scrapeConfig())],
		[new URL("rules.yaml", KUBERNETES), yaml(prometheusRule())],
	];
}

/** Writes a value as YAML, with a note that it is generated. */
export function yaml(value: unknown): string {
	return `${WRITTEN}${dump(value, { lineWidth: 120, noRefs: true, quotingType: '"' })}`;
}
