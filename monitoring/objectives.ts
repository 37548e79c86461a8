import type { AlertingRule, Group } from "./rule-types.ts";
import { duration, type Scale } from "./scale.ts";

/** A service level objective: the share of requests or messages that must be good. */
export interface Objective {
	/** Value of the label `slo`. */
	name: "orders" | "reads" | "mails";
	/** Its alert, and the file of its runbook. */
	alert: string;
	/** Share that must be good, over four weeks. */
	target: number;
	meaning: string;
	/** Rate of all requests or messages over a window, and of the good ones among them. */
	all(window: string): string;
	good(window: string): string;
}

/**
 * Writes a bound of a histogram as a matcher: processes expose `le="1"`, which Prometheus 3 stores as `1.0` and earlier
 * versions as it is.
 */
function upTo(seconds: string): string {
	return seconds.includes(".") ? `le="${seconds}"` : `le=~"${seconds}([.]0)?"`;
}

/** Rates of requests to a route, and of those that were answered without a 5xx status within a time. */
function requests(selector: string, seconds: string): Pick<Objective, "all" | "good"> {
	const name = "http_server_request_duration_seconds";
	return {
		all: (window) => `sum(rate(${name}_count{${selector}}[${window}]))`,
		good: (window) => `sum(rate(${name}_bucket{${selector},status!~"5..",${upTo(seconds)}}[${window}]))`,
	};
}

export const OBJECTIVES: readonly Objective[] = [
	{
		name: "orders",
		alert: "OrderErrorBudgetBurn",
		target: 0.999,
		meaning: "orders placed without a 5xx status and within 1 s",
		...requests('method="POST",http_route=~"/api/v[0-9]+/orders"', "1"),
	},
	{
		name: "reads",
		alert: "ReadErrorBudgetBurn",
		target: 0.999,
		meaning: "pages of products answered without a 5xx status and within 0.25 s",
		...requests('method="GET",http_route=~"/api/v[0-9]+/products(/.*)?"', "0.25"),
	},
	{
		name: "mails",
		alert: "MailErrorBudgetBurn",
		target: 0.99,
		meaning: "messages sent within 60 s of their event",
		all: (window) => `sum(rate(toko_mail_delay_seconds_count[${window}]))`,
		good: (window) => `sum(rate(toko_mail_delay_seconds_bucket{${upTo("60")}}[${window}]))`,
	},
];

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/**
 * Windows and burn rates of the Google SRE workbook (chapter 5), for a budget of 30 days: a page for 2 % of it in an hour or 5 %
 * in six, a ticket for 10 % in a day or in three. The short window ends the alert soon after the fault.
 */
const BURNS = [
	{ severity: "page", long: HOUR, short: 5 * MINUTE, factor: 14.4 },
	{ severity: "page", long: 6 * HOUR, short: 30 * MINUTE, factor: 6 },
	{ severity: "ticket", long: DAY, short: 2 * HOUR, factor: 3 },
	{ severity: "ticket", long: 3 * DAY, short: 6 * HOUR, factor: 1 },
] as const;

const WINDOWS = [...new Set(BURNS.flatMap(({ long, short }) => [short, long]))].sort((a, b) => a - b);

/** Name of the recorded share of bad requests or messages; that of the window does not depend on the speed. */
export function errorRatio(window: number): string {
	return `slo:error_ratio:rate${duration(window, { speed: 1 })}`;
}

/** Rules that record the share of bad requests or messages over each window. */
export function objectiveRecords(scale: Scale): Group {
	return {
		name: "objectives",
		rules: OBJECTIVES.flatMap(({ name, target, all, good }) => [
			...WINDOWS.map((window) => {
				const over = duration(window, scale);
				return {
					record: errorRatio(window),
					// Without `vector(0)` there would be no ratio where nothing at all was good.
					expr: `1 - ((${good(over)} or vector(0)) / ${all(over)})`,
					labels: { slo: name },
				};
			}),
			{ record: "slo:error_budget:ratio", expr: `vector(${budget(target)})`, labels: { slo: name } },
		]),
	};
}

/** Alerts for budgets that burn too fast. */
export function objectiveAlerts(): AlertingRule[] {
	return OBJECTIVES.flatMap(({ name, alert, target, meaning }) =>
		(["page", "ticket"] as const).map((severity) => ({
			alert,
			expr: BURNS.filter((burn) => burn.severity === severity)
				.map(({ long, short, factor }) => {
					const most = round(factor * budget(target));
					const [over, lately] = [long, short].map((window) => `${errorRatio(window)}{slo="${name}"}`);
					return `(${over} > ${most} and ${lately} > ${most})`;
				})
				.join("\nor\n"),
			severity,
			summary: `Too few ${meaning}: {{ $value | humanizePercentage }} were not`,
			description: `The objective is ${round(target * 100)} % of ${meaning}. At this rate the error budget of 30 days is used up ${severity === "page" ? "within days" : "before its end"}.`,
		})),
	);
}

function budget(target: number): number {
	return round(1 - target);
}

function round(value: number): number {
	return Number(value.toPrecision(6));
}
