import { services } from "../contracts/services.ts";
import { alerts } from "./alerts.ts";
import { objectiveAlerts, objectiveRecords } from "./objectives.ts";
import type { AlertingRule, Group } from "./rule-types.ts";
import type { Scale } from "./scale.ts";

/** Services that have processes, the gateway included. */
export const SERVICES = ["api", ...Object.keys(services)];

/** Folder of the runbooks, relative to the repository. */
export const RUNBOOKS = "docs/runbooks";

/** Expected processes on a development machine: one of each service. */
export const ONE_OF_EACH: Scale = {
	processes: Object.fromEntries(SERVICES.map((name) => [name, 1])),
	speed: 1,
};

/** Returns the content of a rule file of Prometheus. */
export function ruleFile(scale: Scale) {
	return {
		groups: [
			objectiveRecords(scale),
			processRecords(scale),
			{ name: "alerts", rules: [...objectiveAlerts(), ...alerts(scale)].map(prometheusRule) },
		],
	};
}

/** Rules that record how many processes of each service are scraped, and how many are expected. */
function processRecords({ processes }: Scale): Group {
	return {
		name: "processes",
		rules: Object.entries(processes).flatMap(([service, count]) => [
			{
				record: "toko:processes:up",
				expr: `count(up{job="toko",process="node",services=~"(.*,)?${service}(,.*)?"} == 1) or vector(0)`,
				labels: { service },
			},
			{ record: "toko:processes:expected", expr: `vector(${count})`, labels: { service } },
		]),
	};
}

function prometheusRule({ alert, expr, for: pending, severity, summary, description }: AlertingRule) {
	return {
		alert,
		expr,
		...(pending ? { for: pending } : {}),
		labels: { severity },
		annotations: { summary, description, runbook_url: `${RUNBOOKS}/${alert}.md` },
	};
}
