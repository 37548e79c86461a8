import type { ServiceBroker } from "moleculer";
import { EVENT_LOOP_SAMPLE_MS } from "../observability/registry.ts";
import type { ProcessName } from "../observability/targets.ts";
import { countOf, type Sample, type Scrape, samplesOf, scrapeAll, sum } from "./scrapes.ts";

/** A process of a node of the shop, as seen by other nodes. */
export interface NodeState {
	id: string;
	process: ProcessName;
	services: string[];
	state: Scrape["state"];
	/** CPU usage of the process in percent of one core. */
	cpu: number | null;
	/** 99th percentile of the delay of its event loop in ms, since its metrics were read before. */
	event_loop_delay_ms: number | null;
	calls_per_second: number | null;
	/** Hit rate of the response cache in percent; null if there were no cacheable calls. */
	cache_hits: number | null;
}

/** Samples the processes of the shop repeatedly. */
export class Nodes {
	#broker: ServiceBroker;
	#before: Scrape[] = [];

	constructor(broker: ServiceBroker) {
		this.#broker = broker;
	}

	/** Returns the nodes that currently host services; rates are since the previous call. */
	async poll(): Promise<NodeState[]> {
		const scrapes = await scrapeAll(this.#broker);
		const states = scrapes
			.filter(({ process }) => process === "node")
			.map((scrape) => nodeState(scrape, earlierOf(scrape, this.#before)));
		this.#before = scrapes;
		return states;
	}
}

/** Returns an earlier scrape of the same process that has metrics; undefined if there is none. */
export function earlierOf({ node, process }: Scrape, scrapes: Scrape[]): Scrape | undefined {
	return scrapes.find((one) => one.node === node && one.process === process && one.state === "up");
}

/** Returns the state of a process; rates are since the earlier scrape, and unknown without. */
export function nodeState(scrape: Scrape, before: Scrape | undefined): NodeState {
	const { node: id, process, services, state } = scrape;
	const perSecond = (count: (one: Scrape) => number) =>
		before && state === "up"
			? Math.round((1000 * (count(scrape) - count(before))) / (scrape.at - before.at))
			: null;
	const responses = samplesOf(scrape, "toko_response_cache");
	const all = sum(responses);
	return {
		...{ id, process, services, state },
		cpu: perSecond((one) => 100 * sum(samplesOf(one, "process_cpu_seconds"))),
		event_loop_delay_ms: loopDelay(scrape),
		calls_per_second: perSecond(
			(one) =>
				countOf(one, "rpc_server_call_duration_seconds") +
				countOf(one, "http_server_request_duration_seconds"),
		),
		cache_hits: all === 0 ? null : Math.round((100 * sum(responses.filter(isHit))) / all),
	};
}

/** The histogram of Node.js measures the interval of its timer, which an idle process keeps. */
function loopDelay(scrape: Scrape): number | null {
	const [p99] = samplesOf(scrape, "nodejs_eventloop_lag_p99_seconds");
	return p99 ? Math.max(0, Math.round(1000 * p99.value - EVENT_LOOP_SAMPLE_MS)) : null;
}

function isHit({ labels }: Sample): boolean {
	return labels.result !== "miss";
}
