import type { CallingOptions, ServiceBroker } from "moleculer";
import { type ProcessName, type RegisteredNode, servicesOf, targetsOf } from "../observability/targets.ts";

/** Samples of a metric, as prom-client writes them. */
export interface Metric {
	name: string;
	values: Sample[];
}

export interface Sample {
	value: number;
	labels: Record<string, string | number>;
	/** Name with `_bucket`, `_count` or `_sum`; only of histograms. */
	metricName?: string;
}

/** Metrics of a process at a moment. */
export interface Scrape {
	node: string;
	process: ProcessName;
	/** Services of the node; empty if it does not respond. */
	services: string[];
	/** `unmeasured`: the process serves no metrics, as with `METRICS_PORT=off`; `unresponsive`: it did not send them. */
	state: "up" | "unmeasured" | "unresponsive";
	/** Value of `performance.now()`. */
	at: number;
	metrics: Metric[];
}

const PATIENCE_MS = 1000;

/** Returns the metrics of all processes of the shop; nodes of operators are none. */
export async function scrapeAll(broker: ServiceBroker): Promise<Scrape[]> {
	const nodes = await knownNodes(broker);
	const scrapes = nodes.flatMap((node) => {
		const targets = targetsOf(node);
		if (targets.length > 0) {
			return targets.map(({ targets: [address], labels }) => scrape(node, labels.process, address));
		}
		return servicesOf(node).length > 0 ? [scrape(node, "node")] : [];
	});
	return (await Promise.all(scrapes)).filter((one) => one !== undefined);
}

/**
 * Returns the nodes that are up, and those that no longer send heartbeats, from the registries of this node and another one: a
 * frozen node does not introduce itself to this one.
 */
async function knownNodes(broker: ServiceBroker): Promise<RegisteredNode[]> {
	const list: object[] = broker.registry.getNodeList({ onlyAvailable: false, withServices: true });
	const own = list as RegisteredNode[];
	const other = own.find(
		(node) => node.available && node.id !== broker.nodeID && servicesOf(node).length > 0,
	);
	const theirs = other
		? await broker.call<RegisteredNode[], object>("$node.list", {}, inTime(other.id)).catch(() => [])
		: [];
	const ids = new Set(own.map(({ id }) => id));
	return [...own, ...theirs.filter(({ id, available }) => !available && !ids.has(id))];
}

function inTime(nodeID: string): CallingOptions {
	return { nodeID, timeout: PATIENCE_MS, retries: 0 };
}

/** Returns the metrics of a process; undefined if it has ended. */
async function scrape(
	node: RegisteredNode,
	process: ProcessName,
	address?: string,
): Promise<Scrape | undefined> {
	const metrics = address ? await metricsAt(address) : "none";
	if (!node.available && (metrics === "refused" || metrics === "none")) {
		return undefined;
	}
	const isUp = Array.isArray(metrics);
	return {
		...{ node: node.id, process, services: servicesOf(node), at: performance.now() },
		state: isUp ? "up" : metrics === "none" ? "unmeasured" : "unresponsive",
		metrics: isUp ? metrics : [],
	};
}

async function metricsAt(address: string): Promise<Metric[] | "refused" | "late"> {
	try {
		const response = await fetch(`http://${address}/metrics`, {
			headers: { accept: "application/json" },
			signal: AbortSignal.timeout(PATIENCE_MS),
		});
		const metrics = (await response.json()) as Metric[];
		// prom-client leaves out the suffix of counters once it has written OpenMetrics.
		return metrics.map((metric) => ({ ...metric, name: metric.name.replace(/_total$/, "") }));
	} catch (error) {
		const { code } = ((error as Error).cause ?? {}) as NodeJS.ErrnoException;
		return code === "ECONNREFUSED" ? "refused" : "late";
	}
}

/** Returns the samples of a metric; `name` is without `_total`. */
export function samplesOf({ metrics }: Scrape, name: string): Sample[] {
	return metrics.find((metric) => metric.name === name)?.values ?? [];
}

/** Returns the sum of the counts of a histogram. */
export function countOf(scrape: Scrape, name: string): number {
	return sum(samplesOf(scrape, name).filter(({ metricName }) => metricName === `${name}_count`));
}

/** Returns the sum of samples. */
export function sum(samples: Sample[]): number {
	return samples.reduce((total, { value }) => total + value, 0);
}
