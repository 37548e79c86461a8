import Negotiator from "negotiator";
import { registry } from "./registry.ts";

/** Time for which a text is sent again: many scrapes at once cost one. */
const FRESH_MS = 1000;

const OPEN_METRICS = "application/openmetrics-text";
const PLAIN = "text/plain";
const JSON_TYPE = "application/json";

const TYPES: Record<string, string> = {
	[OPEN_METRICS]: registry.contentType,
	[PLAIN]: "text/plain; version=0.0.4; charset=utf-8",
	[JSON_TYPE]: "application/json; charset=utf-8",
};

/** Metrics in a format of exposition. */
export interface Exposition {
	type: string;
	text: string;
}

let latest: { read_at: number; open: Promise<string>; plain?: Promise<string> } | undefined;

/**
 * Returns the metrics of this process in the preferred format of an `Accept` header: the text format of Prometheus,
 * OpenMetrics (which also has exemplars), or JSON.
 */
export async function exposition(accept: string | undefined): Promise<Exposition> {
	const format = preferredFormat(accept);
	const type = TYPES[format] as string;
	if (format === JSON_TYPE) {
		return { type, text: JSON.stringify(await registry.getMetricsAsJSON()) };
	}
	const scrape = latestScrape();
	if (format === PLAIN) {
		scrape.plain ??= scrape.open.then(asPlainText);
		return { type, text: await scrape.plain };
	}
	return { type, text: await scrape.open };
}

/** Returns the preferred format. Its parameters, such as `version`, are ignored: each format has one version here. */
function preferredFormat(accept = PLAIN): string {
	const types = accept.replace(/;\s*(?!q=)[^;,]*/gi, "");
	const negotiator = new Negotiator({ headers: { accept: types } });
	return negotiator.mediaType([PLAIN, OPEN_METRICS, JSON_TYPE]) ?? PLAIN;
}

function latestScrape() {
	if (!latest || performance.now() - latest.read_at > FRESH_MS) {
		latest = { read_at: performance.now(), open: registry.metrics() };
	}
	return latest;
}

/**
 * Converts OpenMetrics to the text format of Prometheus, which has no exemplars and no end, and whose counters have the suffix
 * in their name. prom-client (15.1.3) cannot write both: with OpenMetrics it renames the counters for good.
 */
function asPlainText(text: string): string {
	const counters = new Set([...text.matchAll(/^# TYPE (\S+) counter$/gm)].map(([, name]) => name));
	return text
		.split("\n")
		.filter((line) => line !== "# EOF")
		.map((line) => {
			const [, keyword, name, rest] = /^# (HELP|TYPE) (\S+) (.*)$/.exec(line) ?? [];
			if (keyword) {
				return `# ${keyword} ${name}${counters.has(name) ? "_total" : ""} ${rest}`;
			}
			return line.replace(/ # \{.*$/, "");
		})
		.join("\n");
}
