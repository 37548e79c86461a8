import type { Builder } from "@grafana/grafana-foundation-sdk/cog";
import {
	DashboardBuilder,
	DashboardCursorSync,
	DashboardLinkBuilder,
	DashboardLinkType,
	type Panel as GrafanaPanel,
	RowBuilder,
} from "@grafana/grafana-foundation-sdk/dashboard";
import { PanelBuilder as LogsBuilder } from "@grafana/grafana-foundation-sdk/logs";
import { DataqueryBuilder } from "@grafana/grafana-foundation-sdk/prometheus";
import { PanelBuilder as StatBuilder } from "@grafana/grafana-foundation-sdk/stat";
import { PanelBuilder as TimeseriesBuilder } from "@grafana/grafana-foundation-sdk/timeseries";
import { LOGS, METRICS } from "../grafana.ts";

/** Query with the legend of its series, which may contain labels such as `{{service}}`. */
export type Query = [expr: string, legend: string];

/** A panel, before it has its place. */
export interface Panel {
	title: string;
	/** Says how to read the panel, for somebody who has never read the code. */
	description: string;
	/** Unit of the values, by Grafana's names. */
	unit: "short" | "reqps" | "s" | "percentunit" | "bytes";
	queries: Query[];
	/** A number instead of a graph. */
	isStat?: true;
	/** True if points of the graph lead to traces. */
	hasExemplars?: true;
}

/** Panels side by side, below a heading. */
export interface Row {
	title: string;
	panels: Panel[];
	/** Query of VictoriaLogs whose lines are shown below the panels. */
	logs?: string;
}

/** Width of a dashboard in Grafana's columns. */
const COLUMNS = 24;
const GRAPH_HEIGHT = 8;
const STAT_HEIGHT = 4;
const LOGS_HEIGHT = 12;

const SOURCE = { type: "prometheus", uid: METRICS };

/** Builds a dashboard whose rows share the width among their panels. */
export function dashboard(uid: string, title: string, description: string, rows: Row[]): DashboardBuilder {
	const builder = new DashboardBuilder(title)
		.uid(uid)
		.description(description)
		.tags(["toko"])
		.timezone("browser")
		.refresh("30s")
		.time({ from: "now-1h", to: "now" })
		.tooltip(DashboardCursorSync.Crosshair)
		.readonly()
		.link(
			new DashboardLinkBuilder("Dashboards")
				.type(DashboardLinkType.Dashboards)
				.tags(["toko"])
				.asDropdown(true)
				.keepTime(true),
		);
	for (const { title, panels, logs } of rows) {
		builder.withRow(new RowBuilder(title));
		for (const panel of panels) {
			builder.withPanel(built(panel, Math.floor(COLUMNS / panels.length)));
		}
		if (logs) {
			builder.withPanel(lines(logs));
		}
	}
	return builder;
}

function built(panel: Panel, width: number): Builder<GrafanaPanel> {
	const builder = panel.isStat
		? new StatBuilder().height(STAT_HEIGHT)
		: new TimeseriesBuilder().height(GRAPH_HEIGHT).fillOpacity(10).lineWidth(1).min(0);
	builder.title(panel.title).description(panel.description).unit(panel.unit).datasource(SOURCE).span(width);
	for (const [index, [expr, legend]] of panel.queries.entries()) {
		const query = new DataqueryBuilder()
			.datasource(SOURCE)
			.expr(expr)
			.legendFormat(legend)
			.refId(String.fromCharCode("A".charCodeAt(0) + index));
		builder.withTarget(panel.isStat ? query.instant() : query.range().exemplar(panel.hasExemplars ?? false));
	}
	return builder;
}

/** The plugin of VictoriaLogs has no builder; its query has one field. */
function lines(expr: string): Builder<GrafanaPanel> {
	const source = { type: "victoriametrics-logs-datasource", uid: LOGS };
	const target = { refId: "A", datasource: source, expr, _implementsDataqueryVariant: () => undefined };
	return new LogsBuilder()
		.title("Log lines")
		.datasource(source)
		.targets([{ build: () => target }])
		.height(LOGS_HEIGHT)
		.span(COLUMNS);
}

/** Rate of a counter, summed by labels. */
export function rate(selector: string, by = ""): string {
	return `sum${by && ` by (${by})`} (rate(${selector}[$__rate_interval]))`;
}

/** Quantile of a histogram in seconds; NaN where nothing was measured. */
export function quantile(share: number, histogram: string, selector: string, by = ""): string {
	const labels = ["le", ...(by ? [by] : [])].join(", ");
	const name = `${histogram}_bucket${selector && `{${selector}}`}`;
	return `histogram_quantile(${share}, sum by (${labels}) (rate(${name}[$__rate_interval])))`;
}

/** Graph of the median and the 99th percentile of a histogram, with its traces. */
export function durations(
	title: string,
	description: string,
	histogram: string,
	selector = "",
	by = "",
): Panel {
	const legend = by ? ` {{${by}}}` : "";
	return {
		...{ title, description, unit: "s", hasExemplars: true },
		queries: [
			[quantile(0.5, histogram, selector, by), `p50${legend}`],
			[quantile(0.99, histogram, selector, by), `p99${legend}`],
		],
	};
}
