/** Identifiers of Grafana's data sources. */
export const METRICS = "prometheus";
export const TRACES = "jaeger";
export const LOGS = "victorialogs";

/** Returns Grafana's data sources: an exemplar of a metric leads to its trace, and a span to the lines of its trace. */
export function grafanaSources() {
	return {
		apiVersion: 1,
		datasources: [
			{
				...{ name: "Prometheus", uid: METRICS, type: "prometheus", url: "http://prometheus:9090" },
				...{ access: "proxy", isDefault: true },
				jsonData: {
					httpMethod: "POST",
					timeInterval: "15s",
					exemplarTraceIdDestinations: [{ name: "trace_id", datasourceUid: TRACES }],
				},
			},
			{
				...{ name: "Jaeger", uid: TRACES, type: "jaeger", url: "http://jaeger:16686" },
				access: "proxy",
				jsonData: {
					tracesToLogsV2: {
						datasourceUid: LOGS,
						customQuery: true,
						query: `trace_id:="$\${__trace.traceId}"`,
						spanStartTimeShift: "-5m",
						spanEndTimeShift: "5m",
					},
				},
			},
			{
				...{ name: "VictoriaLogs", uid: LOGS, type: "victoriametrics-logs-datasource" },
				...{ url: "http://victorialogs:9428", access: "proxy" },
			},
		],
	};
}

/** Returns where Grafana reads its dashboards. */
export function grafanaDashboards() {
	return {
		apiVersion: 1,
		providers: [
			{
				...{ name: "toko", folder: "Toko", type: "file", allowUiUpdates: false },
				options: { path: "/etc/grafana/dashboards" },
			},
		],
	};
}
