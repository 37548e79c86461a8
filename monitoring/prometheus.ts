/** A source of targets in Prometheus' HTTP format, or targets that never change. */
export interface Scraping {
	/** Addresses of `/metrics/targets` of the gateway. */
	targets_url: string;
	/** Time between scrapes and evaluations in ms. */
	every_ms: number;
	/** Rule files. */
	rules: string[];
	/** Addresses of Alertmanager. */
	alertmanagers: string[];
	/** Exporters by job. */
	exporters?: Record<string, string>;
}

/** Time in ms between looks at the list of processes: a new one is scraped within seconds. */
const DISCOVERY_MS = 5000;

/** Returns Prometheus' configuration. */
export function prometheusConfiguration({
	targets_url,
	every_ms,
	rules,
	alertmanagers,
	exporters = {},
}: Scraping) {
	const interval = `${every_ms}ms`.replace(/000ms$/, "s");
	const discovery_ms = Math.min(DISCOVERY_MS, every_ms);
	return {
		global: { scrape_interval: interval, scrape_timeout: interval, evaluation_interval: interval },
		rule_files: rules,
		...(alertmanagers.length > 0
			? { alerting: { alertmanagers: [{ static_configs: [{ targets: alertmanagers }] }] } }
			: {}),
		scrape_configs: [
			{
				job_name: "toko",
				http_sd_configs: [{ url: targets_url, refresh_interval: `${discovery_ms}ms`.replace(/000ms$/, "s") }],
			},
			...Object.entries(exporters).map(([job_name, target]) => ({
				job_name,
				static_configs: [{ targets: [target] }],
			})),
		],
	};
}
