import "../../observability/metrics.ts";
import { registry } from "../../observability/registry.ts";
import { code, document, table, WRITTEN } from "./markdown.ts";

const INTRODUCTION = `Every process serves its metrics at \`GET /metrics\` of a port of its own (\`METRICS_PORT\`), the gateway's process also on
the gateway. \`GET /metrics/targets\` of the gateway lists the addresses of all processes, as Prometheus' HTTP service
discovery reads them; the delivery worker of notifications is a process of its own. With OpenMetrics, buckets of
durations have exemplars that name a trace.

A route is the pattern of an address, an error its code, so that labels have few values; a success has no
\`error_type\`. Values are of one process: sum over processes, except for those that describe what all processes of a
service share, where the table says so: take the largest. A value that a process reads from a database may be that of an
earlier scrape, at most a minute old, if reading takes longer than 3 ms. Besides these, each process has the metrics of
its Node.js (\`process_…\`, \`nodejs_…\`).

The metrics are not for the public: a proxy in front of the gateway should refuse \`/metrics\`, and the port of each
process should be reachable by Prometheus only.`;

/** Members of prom-client's metrics that its types leave out. */
interface Described {
	name: string;
	help: string;
	labelNames: string[];
	type: string;
}

/** Generates docs/reference/metrics.md from observability/metrics.ts. */
export function metricsReference(): string {
	const metrics = (registry.getMetricsAsArray() as unknown as Described[]).filter(
		({ name }) => !/^(process|nodejs)_/.test(name),
	);
	const rows = metrics.map(({ name, type, labelNames, help }) => [
		code(name),
		type,
		labelNames.map(code).join(", "),
		help,
	]);
	return document(WRITTEN, "# Metrics", INTRODUCTION, table(["metric", "type", "labels", "meaning"], rows));
}
