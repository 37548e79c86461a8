import { expect, test } from "@jest/globals";
import { dashboards } from "../../monitoring/dashboards/dashboards.ts";
import { ONE_OF_EACH, RUNBOOKS, ruleFile, SERVICES } from "../../monitoring/rules.ts";
import { duration } from "../../monitoring/scale.ts";
import { ELSEWHERE, panelQueries, readRunbooks, rulesOf, seriesOf, seriesOfShop } from "../expressions.ts";

const rules = rulesOf(ONE_OF_EACH);
const alerts = [...new Set(rules.filter(({ isAlert }) => isAlert).map(({ name }) => name))];
const recorded = rules.filter(({ isAlert }) => !isAlert).map(({ name }) => name);
const panels = dashboards().flatMap((dashboard) => panelQueries(dashboard));
const known = new Set([
	...(await seriesOfShop()),
	...recorded,
	...ELSEWHERE.exporters,
	...ELSEWHERE.audit,
	"up",
]);

/** Returns the series in an expression that nothing exposes. */
function unknownIn(expr: string): string[] {
	return seriesOf(expr).filter((name) => !known.has(name));
}

test.each([
	["sum(rate(toko_orders_total[5m])", /no expression/],
	["sum by (a) (b))", /no expression/],
	["rate(x[$__rate_interval])", /no expression/],
])("%s is no expression", (expr, reason) => {
	expect(() => seriesOf(expr)).toThrow(reason);
});

test("a series that nothing exposes is found", () => {
	expect(unknownIn('sum(rate(toko_ordres_total{status="paid"}[5m])) / up')).toEqual(["toko_ordres_total"]);
});

test("every rule parses, and selects series that the shop, its exporters or a rule have", () => {
	expect(rules.length).toBeGreaterThan(40);
	for (const { name, expr } of rules) {
		expect({ name, unknown: unknownIn(expr) }).toEqual({ name, unknown: [] });
	}
});

test("every query of a panel parses, and selects such series", () => {
	expect(panels.length).toBeGreaterThan(50);
	for (const { panel, expr } of panels) {
		expect({ panel, unknown: unknownIn(expr) }).toEqual({ panel, unknown: [] });
	}
});

test("every metric of the shop is on a dashboard, or in a rule", async () => {
	const { registry } = await import("../../observability/registry.ts");
	const used = [...panels, ...rules].flatMap(({ expr }) => seriesOf(expr));
	const names = (await registry.getMetricsAsArray()).map(({ name }) => name);
	const unused = names.filter((name) => !used.some((one) => one === name || one.startsWith(`${name}_`)));
	expect(unused).toEqual([]);
});

test("the dashboards have ids of their own, and panels a description and a title of their own", () => {
	const all = dashboards();
	expect(new Set(all.map(({ uid }) => uid)).size).toBe(all.length);
	for (const { title, panels = [] } of all) {
		const shown = panels.flatMap((panel) => ("targets" in panel ? [panel] : []));
		expect({ title, panels: new Set(shown.map((panel) => panel.title)).size }).toEqual({
			...{ title, panels: shown.length },
		});
		for (const panel of shown.filter(({ type }) => type !== "logs")) {
			expect({ title: panel.title, says: panel.description }).toEqual({
				...{ title: panel.title, says: expect.stringMatching(/\w+ .*[.]$/) },
			});
		}
	}
});

test("every alert says how urgent it is and where its runbook is", () => {
	for (const group of ruleFile(ONE_OF_EACH).groups) {
		for (const rule of group.rules) {
			if ("alert" in rule) {
				expect(rule).toMatchObject({
					labels: { severity: expect.stringMatching(/^(page|ticket)$/) },
					annotations: {
						summary: expect.stringMatching(/\w/),
						description: expect.stringMatching(/[.]$/),
						runbook_url: `${RUNBOOKS}/${rule.alert}.md`,
					},
				});
			}
		}
	}
});

test("every alert has a runbook, and every runbook an alert", () => {
	expect(readRunbooks().map(({ alert }) => alert)).toEqual(alerts.toSorted());
});

test.each(readRunbooks())(
	"the runbook of $alert begins with what to look at, by queries of existing series, and leads to causes",
	({ alert, text, queries }) => {
		expect(text).toMatch(
			new RegExp(`^# ${alert}\n\n[^#]+\n## Look at\n[\\s\\S]+\n## Causes and cures\n\n[|]`),
		);
		expect(queries.length).toBeGreaterThan(0);
		expect(queries.flatMap(unknownIn)).toEqual([]);
	},
);

test("the gateway and every service are expected, and objectives have a rule for each window", () => {
	const expectations = rules.filter(({ name }) => name === "toko:processes:expected");
	expect(expectations).toHaveLength(SERVICES.length);
	expect(SERVICES).toContain("api");
	const windows = ["5m", "30m", "1h", "2h", "6h", "1d", "3d"].map(
		(window) => `slo:error_ratio:rate${window}`,
	);
	expect(recorded.filter((name) => name.startsWith("slo:error_ratio")).sort()).toEqual(
		[...windows, ...windows, ...windows].sort(),
	);
});

test("the bound of every objective is a bucket of its histogram", async () => {
	const { httpRequests, mailDelays } = await import("../../observability/metrics.ts");
	for (const histogram of [httpRequests, mailDelays]) {
		const { name, upperBounds } = histogram as unknown as { name: string; upperBounds: number[] };
		const bounds = rules
			.filter(({ expr }) => expr.includes(`${name}_bucket`))
			.map(({ expr }) => /le=~?"([0-9.]+)/.exec(expr)?.[1]);
		expect(bounds.length).toBeGreaterThan(0);
		expect(bounds.filter((bound) => !upperBounds.includes(Number(bound)))).toEqual([]);
	}
});

test.each([
	[86_400, 1, "1d"],
	[5400, 1, "90m"],
	[300, 60, "5s"],
	[60, 40, "1500ms"],
	[1, 3, "333ms"],
])("%d s, %d times faster, is %s", (seconds, speed, expected) => {
	expect(duration(seconds, { speed })).toBe(expected);
});
