import { ruleFile, SERVICES } from "./rules.ts";

// For the Prometheus Operator: where processes are found, and the rules.

/** Labels by which the operator selects them; those of the shop's other objects. */
const metadata = (name: string) => ({ name, labels: { "app.kubernetes.io/part-of": "toko" } });

/** The autoscalers keep at least so many pods of each service. */
const PODS_MIN = 2;

/** Returns the ScrapeConfig that asks the gateway for the processes. A PodMonitor would lack their services and delivery workers. */
export function scrapeConfig() {
	return {
		apiVersion: "monitoring.coreos.com/v1alpha1",
		kind: "ScrapeConfig",
		metadata: metadata("toko"),
		spec: {
			jobName: "toko",
			scrapeInterval: "15s",
			httpSDConfigs: [{ url: "http://api.toko.svc/metrics/targets", refreshInterval: "5s" }],
		},
	};
}

/** Returns the PrometheusRule. */
export function prometheusRule() {
	const processes = Object.fromEntries(SERVICES.map((name) => [name, PODS_MIN]));
	return {
		apiVersion: "monitoring.coreos.com/v1",
		kind: "PrometheusRule",
		metadata: metadata("toko"),
		spec: ruleFile({ processes, speed: 1 }),
	};
}
