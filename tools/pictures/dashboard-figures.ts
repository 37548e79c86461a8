import type { Dashboard } from "@grafana/grafana-foundation-sdk/dashboard";
import { dashboards } from "../../monitoring/dashboards/dashboards.ts";

/** A query of a panel, with the legend of its series. */
interface Target {
	expr: string;
	legendFormat: string;
}

interface Panel {
	title: string;
	description: string;
	unit: string;
	targets: Target[];
}

/** Series of a query over a time: labels and values. */
export type Query = (
	expr: string,
) => Promise<{ metric: Record<string, string>; values: [number, string][] }[]>;

/** Number of series of a panel that are shown. */
const SERIES_MAX = 4;
/** Time over which rates are taken, with a scrape every two seconds. */
const WINDOW = "20s";

/** The panels of a dashboard, each with its title, its description and its figures. */
export interface Figures {
	title: string;
	description: string;
	panels: [title: string, description: string, figures: string][];
}

/** Returns the panels of each dashboard, with the highest value of each of their largest series, in Markdown. */
export async function dashboardFigures(query: Query): Promise<Figures[]> {
	const figures: Figures[] = [];
	for (const dashboard of dashboards()) {
		const panels: Figures["panels"] = [];
		for (const panel of panelsOf(dashboard)) {
			panels.push([panel.title, panel.description, await figuresOf(panel, query)]);
		}
		figures.push({ title: dashboard.title ?? "", description: dashboard.description ?? "", panels });
	}
	return figures;
}

function panelsOf({ panels = [] }: Dashboard): Panel[] {
	return panels.flatMap((panel) => {
		if (!("targets" in panel) || panel.datasource?.type !== "prometheus") {
			return [];
		}
		const { title = "", description = "", fieldConfig, targets = [] } = panel;
		const unit = fieldConfig?.defaults.unit ?? "short";
		return [{ title, description, unit, targets: targets as unknown as Target[] }];
	});
}

async function figuresOf({ targets, unit }: Panel, query: Query): Promise<string> {
	const series: { name: string; value: number }[] = [];
	for (const { expr, legendFormat } of targets) {
		const found = await query(expr.replaceAll("$__rate_interval", WINDOW).replaceAll("$node", ".+"));
		for (const { metric, values } of found) {
			const numbers = values.map(([, value]) => Number(value)).filter(Number.isFinite);
			if (numbers.length > 0) {
				const name = legendFormat.replace(/\{\{(\w+)\}\}/g, (_, label) => metric[label] ?? "");
				series.push({ name: name.trim(), value: Math.max(...numbers) });
			}
		}
	}
	series.sort((one, other) => other.value - one.value);
	const shown = series.slice(0, SERIES_MAX).map(({ name, value }) => `${name} ${formatted(value, unit)}`);
	const others = series.length - shown.length;
	return [...shown, ...(others > 0 ? [`${others} more`] : [])].join("<br>") || "none in this run";
}

function formatted(value: number, unit: string): string {
	const figure = (number: number) => String(Number(number.toPrecision(3)));
	switch (unit) {
		case "s":
			return value < 1 ? `${figure(value * 1000)} ms` : `${figure(value)} s`;
		case "percentunit":
			return `${figure(value * 100)} %`;
		case "bytes":
			return `${figure(value / 1e6)} MB`;
		case "reqps":
			return `${figure(value)}/s`;
		default:
			return figure(value);
	}
}
