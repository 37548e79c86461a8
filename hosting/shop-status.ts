import type { ServiceBroker } from "moleculer";
import { askNats, askServices } from "../broker/health.ts";
import { contracts } from "../contracts/actions.ts";
import { type CallFigures, figuresBetween, figuresOf } from "./call-figures.ts";
import { earlierOf, type NodeState, nodeState } from "./nodes.ts";
import { type Sample, type Scrape, samplesOf, scrapeAll, sum } from "./scrapes.ts";

/** State of a running shop, for its operator. */
export interface ShopStatus {
	is_ready: boolean;
	/** Services and servers that are not available, with the reason if they tell it. */
	unavailable: { name: string; reason: string | null }[];
	processes: NodeState[];
	actions: ActionState[];
	/** Open circuit breakers: the process at `seen_by` does not call the action on the node. */
	breakers: { action: string; node: string; seen_by: string }[];
	queues: QueueState[];
	/** Latest errors, the newest first. */
	errors: ErrorState[];
	/** Latest audit; null if there was none. */
	audit: { at: string; breaches: number } | null;
}

/** Calls of an action on all nodes: during the observation, and since the processes have started. */
export interface ActionState {
	action: string;
	calls_per_second: number;
	failed: number | null;
	p99_ms: number | null;
	since_start: CallFigures;
}

/** Work that waits; its age is null if nobody measures it. */
interface QueueState {
	queue: "outbox" | "inbox" | "jobs" | "messages" | "dead letters";
	/** Service, or channel of messages. */
	of: string;
	length: number;
	oldest_seconds: number | null;
}

interface ErrorState {
	/** Action, or event and service. */
	source: string;
	error: string;
	at: string;
	node: string;
}

/** Gauges of each queue: of its length, of its age, and the label that says whose it is. */
const QUEUES = [
	["outbox", "toko_outbox_pending", "toko_outbox_oldest_seconds", "service"],
	["inbox", "toko_inbox_pending", undefined, "service"],
	["jobs", "toko_jobs_pending", "toko_jobs_oldest_seconds", "service"],
	["messages", "toko_mails_queued", "toko_mails_oldest_seconds", "channel"],
	["dead letters", "toko_dead_letters_kept", undefined, "service"],
] as const;

const ERRORS_SHOWN = 10;

/** Observes a shop repeatedly. */
export class ShopObserver {
	#broker: ServiceBroker;
	#window_ms: number;
	/** Earlier scrapes, the oldest first. */
	#frames: Scrape[][] = [];

	/** @param window_ms Time over which calls are counted, once the observation has lasted that long. */
	constructor(broker: ServiceBroker, window_ms: number) {
		this.#broker = broker;
		this.#window_ms = window_ms;
	}

	/** Returns the state of the shop now; rates are since the previous call, and zero or null in the first. */
	async look(): Promise<ShopStatus> {
		const [scrapes, health] = await Promise.all([scrapeAll(this.#broker), this.#health()]);
		const [previous = [], oldest = previous] = [this.#frames.at(-1), this.#frames[0]];
		const status = {
			...health,
			processes: scrapes.map((scrape) => nodeState(scrape, earlierOf(scrape, previous))).sort(byServices),
			actions: actionsOf(scrapes, oldest),
			breakers: breakersOf(scrapes),
			queues: queuesOf(scrapes),
			errors: errorsOf(scrapes),
			audit: auditOf(scrapes),
		};
		this.#frames.push(scrapes);
		const begin = performance.now() - this.#window_ms;
		while (this.#frames.length > 1 && this.#frames[0]?.every(({ at }) => at < begin)) {
			this.#frames.shift();
		}
		return status;
	}

	async #health(): Promise<Pick<ShopStatus, "is_ready" | "unavailable">> {
		const names = contracts.map(({ name }) => name);
		const [{ services, reasons = {} }, nats] = await Promise.all([
			askServices(this.#broker, names),
			askNats(this.#broker),
		]);
		const unavailable = Object.entries({ ...services, nats })
			.filter(([, state]) => state !== "healthy")
			.map(([name]) => ({ name, reason: reasons[name] ?? null }));
		return { is_ready: unavailable.length === 0, unavailable };
	}
}

function byServices(one: NodeState, other: NodeState): number {
	return one.services.join().localeCompare(other.services.join()) || one.id.localeCompare(other.id);
}

function actionsOf(scrapes: Scrape[], frame: Scrape[]): ActionState[] {
	const changes = scrapes.flatMap((after) => {
		const before = after.state === "up" ? earlierOf(after, frame) : undefined;
		return before ? [{ before, after }] : [];
	});
	const seconds = Math.max(...changes.map(({ before, after }) => (after.at - before.at) / 1000), 0);
	const recent = figuresBetween(changes);
	return [...figuresOf(scrapes)]
		.map(([action, since_start]) => {
			const { calls = 0, failed = null, p99_ms = null } = recent.get(action) ?? {};
			const calls_per_second = seconds > 0 ? Math.round((10 * calls) / seconds) / 10 : 0;
			return { action, calls_per_second, failed, p99_ms, since_start };
		})
		.sort(
			(one, other) =>
				other.calls_per_second - one.calls_per_second || other.since_start.calls - one.since_start.calls,
		);
}

function breakersOf(scrapes: Scrape[]): ShopStatus["breakers"] {
	return scrapes.flatMap((scrape) =>
		samplesOf(scrape, "toko_circuit_breakers_open").map(({ labels }) => ({
			action: String(labels.rpc_method),
			node: String(labels.node),
			seen_by: scrape.node,
		})),
	);
}

/** All processes of a service report the same queue, a moment apart. */
function queuesOf(scrapes: Scrape[]): QueueState[] {
	return QUEUES.flatMap(([queue, length, age, label]) => {
		const lengths = highest(scrapes, length, label);
		const ages = age ? highest(scrapes, age, label) : undefined;
		return [...lengths].map(([of, length]) => ({
			...{ queue, of, length },
			oldest_seconds: ages ? Math.round(ages.get(of) ?? 0) : null,
		}));
	});
}

function highest(scrapes: Scrape[], name: string, label: string): Map<string, number> {
	const values = new Map<string, number>();
	for (const { labels, value } of scrapes.flatMap((scrape) => samplesOf(scrape, name))) {
		const of = String(labels[label]);
		values.set(of, Math.max(value, values.get(of) ?? 0));
	}
	return values;
}

function errorsOf(scrapes: Scrape[]): ErrorState[] {
	return scrapes
		.flatMap((scrape) =>
			samplesOf(scrape, "toko_last_error_timestamp_seconds").map((sample) => errorOf(scrape, sample)),
		)
		.sort((one, other) => other.at.localeCompare(one.at))
		.slice(0, ERRORS_SHOWN);
}

function errorOf({ node }: Scrape, { labels, value }: Sample): ErrorState {
	return {
		source: String(labels.source),
		error: String(labels.error_type),
		at: new Date(1000 * value).toISOString(),
		node,
	};
}

/** All processes of orders report the same audit. */
function auditOf(scrapes: Scrape[]): ShopStatus["audit"] {
	for (const scrape of scrapes) {
		const [ended] = samplesOf(scrape, "toko_audit_last_run_timestamp_seconds");
		if (ended) {
			const breaches = sum(samplesOf(scrape, "toko_audit_breaches"));
			return { at: new Date(1000 * ended.value).toISOString(), breaches };
		}
	}
	return null;
}
