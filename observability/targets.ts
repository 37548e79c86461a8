import type { ServiceBroker } from "moleculer";
import { settings } from "../config/settings.ts";

/** Process of a node: the node itself, or one that it has started. */
export type ProcessName = "node" | "delivery-worker";

/** Entry of a node's metadata: where its processes serve their metrics. */
export interface MetricsAddresses {
	/** Address that they listen on; `0.0.0.0` and `::` stand for all addresses of the machine. */
	host: string;
	ports: Partial<Record<ProcessName, number>>;
}

/** A process as Prometheus' HTTP service discovery describes it. */
export interface Target {
	targets: [string];
	labels: { node: string; process: ProcessName; services: string };
}

/** A node of the registry; Moleculer's types lack some of it. */
export interface RegisteredNode {
	id: string;
	hostname?: string | null;
	ipList?: string[] | null;
	metadata?: { metrics?: MetricsAddresses } | null;
	services?: { name: string }[] | null;
	available?: boolean;
}

/** Publishes where a process of this node serves its metrics; undefined if it no longer does. */
export async function announceMetrics(
	broker: ServiceBroker,
	process: ProcessName,
	port: number | undefined,
): Promise<void> {
	const metadata = broker.metadata as RegisteredNode["metadata"] & object;
	const ports = { ...metadata.metrics?.ports, [process]: port };
	metadata.metrics = { host: settings.host, ports };
	if (broker.started) {
		broker.registry.regenerateLocalRawInfo(true);
		await broker.registry.discoverer.sendLocalNodeInfo();
	}
}

/** Returns the processes of all nodes that are up and serve metrics. */
export function metricsTargets(broker: ServiceBroker): Target[] {
	const nodes: object[] = broker.registry.getNodeList({ onlyAvailable: true, withServices: true });
	return (nodes as RegisteredNode[]).flatMap(targetsOf);
}

/** Returns the processes of a node that serve metrics. */
export function targetsOf(node: RegisteredNode): Target[] {
	const { host = "", ports = {} } = node.metadata?.metrics ?? {};
	const services = servicesOf(node).sort().join(",");
	return Object.entries(ports).map(([process, port]) => ({
		targets: [`${reachable(host, node)}:${port}`],
		labels: { node: node.id, process: process as ProcessName, services },
	}));
}

/** Returns the names of the shop's services on a node. */
export function servicesOf(node: RegisteredNode): string[] {
	return (node.services ?? []).map(({ name }) => name).filter((name) => !name.startsWith("$"));
}

/** Returns an address by which other machines reach a process that listens on all addresses. */
function reachable(host: string, { ipList, hostname }: RegisteredNode): string {
	const isAny = host === "0.0.0.0" || host === "::";
	const address = isAny ? (ipList?.[0] ?? hostname ?? "127.0.0.1") : host;
	return address.includes(":") ? `[${address}]` : address;
}
