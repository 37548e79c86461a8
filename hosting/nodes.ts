import type { ServiceBroker } from "moleculer";
import { CALLS_METRIC, PROCESSOR_METRIC, RESPONSES_METRIC } from "../broker/metrics.ts";

/** A node of the shop, as seen by other nodes. */
export interface NodeState {
	id: string;
	services: string[];
	/** CPU usage of its process in percent of one core. */
	cpu: number | null;
	calls_per_second: number | null;
	/** Hit rate of the response cache in percent; null if there were no cacheable calls. */
	cache_hits: number | null;
}

interface Metric {
	name: string;
	values: { value: number; labels: { from?: string } }[];
}

const PATIENCE_MS = 1000;

/** Samples the nodes of the shop repeatedly. */
export class Nodes {
	#broker: ServiceBroker;
	#before = new Map<string, { at: number; calls: number; processor_ms: number }>();

	constructor(broker: ServiceBroker) {
		this.#broker = broker;
	}

	/** Returns the nodes that currently host services; rates are since the previous call. */
	async look(): Promise<NodeState[]> {
		const nodes = this.#broker.registry
			.getNodeList({ onlyAvailable: true, withServices: true })
			.map(({ id, services }) => ({
				id,
				services: services.map(({ name }) => name as string).filter((name) => !name.startsWith("$")),
			}))
			.filter(({ services }) => services.length > 0);
		for (const id of this.#before.keys()) {
			if (!nodes.some((node) => node.id === id)) {
				this.#before.delete(id);
			}
		}
		return Promise.all(nodes.map(async (node) => ({ ...node, ...(await this.#measure(node.id)) })));
	}

	async #measure(nodeID: string): Promise<Pick<NodeState, "cpu" | "calls_per_second" | "cache_hits">> {
		const options = { nodeID, timeout: PATIENCE_MS };
		const metrics = await this.#broker
			.call<Metric[], object>("$node.metrics", { includes: "toko.*" }, options)
			.catch(() => undefined);
		if (!metrics) {
			return { cpu: null, calls_per_second: null, cache_hits: null };
		}
		const values = (name: string) => metrics.find((metric) => metric.name === name)?.values ?? [];
		const calls = values(CALLS_METRIC)[0]?.value ?? 0;
		const processor_ms = values(PROCESSOR_METRIC)[0]?.value ?? 0;
		const at = performance.now();
		const before = this.#before.get(nodeID);
		this.#before.set(nodeID, { at, calls, processor_ms });
		const perSecond = (now: number, then: number) =>
			before ? Math.round((1000 * (now - then)) / (at - before.at)) : null;
		const responses = values(RESPONSES_METRIC);
		const all = sum(responses);
		return {
			cpu: perSecond(processor_ms / 10, (before?.processor_ms ?? 0) / 10),
			calls_per_second: perSecond(calls, before?.calls ?? 0),
			cache_hits: all === 0 ? null : Math.round((100 * sum(responses.filter(isHit))) / all),
		};
	}
}

function isHit({ labels }: Metric["values"][number]): boolean {
	return labels.from !== "miss";
}

function sum(values: { value: number }[]): number {
	return values.reduce((total, { value }) => total + value, 0);
}
