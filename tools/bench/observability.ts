import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as wait } from "node:timers/promises";
import { cleanUp } from "../shop-process.ts";
import { type CaseName, caseOf } from "./cases.ts";
import type { TurnResult } from "./load.ts";
import { LoadProcess } from "./load-process.ts";
import { logInAll, type Side, startShop } from "./side.ts";
import { addTo, median } from "./statistics.ts";

type Observed = "one_percent" | "all";
type Variant = "off" | Observed;

/** Throughput of a shop that is observed, beside one that is not. */
export interface ObservedThroughput {
	case: Case;
	/** Units per second of the shop without metrics, logs and traces. */
	off: number;
	/** With metrics and logs, and 1 % of the traces or all. */
	one_percent: Ratio;
	all: Ratio;
}

/** Ratio of the throughput of neighbouring turns: of all, and of the rounds with the lowest and the highest, whose processes differ. */
export interface Ratio {
	total: number;
	lowest: number;
	highest: number;
}

/** Duration and size of scrapes of the busy process that exports all traces, and its series. */
export interface Scrape {
	p50_ms: number;
	/** The same for health checks at the same time: what any request waits for its turn. */
	health_p50_ms: number;
	bytes: number;
	series: number;
	/** Number of traces that the process has dropped so far. */
	dropped: number;
}

/** Minimum ratios that count as good. */
export const ONE_PERCENT_MIN = 0.95;
export const ALL_MIN = 0.75;

/** Turns follow in these sequences, in which each shop follows each of the others equally often, between two sequences too. */
const SEQUENCES: readonly (readonly Variant[])[] = [
	["off", "one_percent", "all"],
	["one_percent", "all", "off"],
	["all", "off", "one_percent"],
	["off", "all", "one_percent"],
	["all", "one_percent", "off"],
	["one_percent", "off", "all"],
];

const CASES = ["product", "order"] as const satisfies CaseName[];
type Case = (typeof CASES)[number];
const CONNECTIONS = 32;
/** Duration of a turn: short, since what else the machine does changes within seconds. */
const SECONDS = 1;
/** Turns before the first measured one, also a multiple of the number of sequences: V8 compiles what is called often only within seconds. */
const WARM_UP_TURNS = 6;
/** Measured turns of each shop in a round, a multiple of the number of sequences. Orders differ more from turn to turn than cached reads do. */
const TURNS: Record<Case, number> = { product: 12, order: 18 };
/** Pause between two turns. */
const PAUSE_MS = 100;
/** Time after which spans are exported: shorter than a turn, so that each turn has its own exports. */
const EXPORT_MS = 500;
/** All traces count as exported when none has arrived for this time. */
const QUIET_MS = EXPORT_MS + 100;
/** Number of products that are read: so few that most responses come from the cache, as those of a shop with many readers do. */
const PRODUCTS = 100;
/** Scrapes in a round, and as many health checks. */
const SCRAPES = 8;
/** Interval between two of them: a text is sent again for a second. */
const SCRAPE_EVERY_MS = 600;
const DRAIN_MS = 90_000;

const OFF = { METRICS_PORT: "off", LOG_LEVEL: "silent" };
const ON = { LOG_LEVEL: "info", LOG_FORMAT: "json", LOG_SAMPLE: "0.01" };

/**
 * Measures in turns a shop that is not observed beside one that exports 1 % of its traces, and beside one that exports all. Each round
 * starts them anew, in another order.
 */
export async function measureObservability(
	{ directory, rounds }: { directory: string; rounds: number },
	log: (line: string) => void,
	failed = new Map<string, number>(),
): Promise<{ throughput: ObservedThroughput[]; scrape: Scrape }> {
	const load = new LoadProcess();
	const receiver = new Receiver();
	const found: Record<Case, Rates[][]> = { product: [], order: [] };
	const scraped: Scrape[] = [];
	try {
		const variants = variantsFor(await receiver.open());
		for (let round = 0; round < rounds; round++) {
			const sides = new Map<Variant, Side>();
			try {
				for (let place = 0; place < variants.length; place++) {
					const [variant, environment] = variants[(place + round) % variants.length] as (typeof variants)[0];
					const sink = await load.do("sink");
					const side = await startShop(variant, directory, "one", sink, { environment });
					// Three of them would take a tenth of a core.
					side.time.stop();
					sides.set(variant, side);
				}
				const started = new Round(load, receiver, sides, failed);
				for (const name of CASES) {
					await started.turns(name, WARM_UP_TURNS);
					found[name].push(await started.turns(name, TURNS[name]));
				}
				scraped.push(await scrapeBusy(load, sides.get("all") as Side, failed));
			} finally {
				for (const side of sides.values()) {
					await side.postgres.close();
				}
				await cleanUp();
			}
			log(
				`measured round ${round + 1} of ${rounds}: ${CASES.map((name) => roundLine(name, found[name])).join(", ")}`,
			);
		}
		const throughput = CASES.map((name) => throughputOf(name, found[name]));
		for (const one of throughput) {
			log(lineOf(one));
		}
		for (const [what, times] of failed) {
			log(`${times} × ${what}`);
		}
		const scrape = scraped.toSorted((a, b) => a.p50_ms - b.p50_ms)[Math.floor(rounds / 2)] as Scrape;
		return { throughput, scrape };
	} finally {
		receiver.close();
		load.close();
		await cleanUp();
	}
}

/** Units per second of each shop in neighbouring turns. */
type Rates = Record<Variant, number>;

function variantsFor(receiver: string): [Variant, Record<string, string>][] {
	const traced = (ratio: string) => ({
		...ON,
		OTEL_EXPORTER_OTLP_ENDPOINT: receiver,
		OTEL_BSP_SCHEDULE_DELAY: String(EXPORT_MS),
		OTEL_TRACES_SAMPLER: "traceidratio",
		OTEL_TRACES_SAMPLER_ARG: ratio,
	});
	return [
		["off", OFF],
		["one_percent", traced("0.01")],
		["all", traced("1")],
	];
}

/** An endpoint that accepts all traces and reads none. */
class Receiver {
	readonly #server: Server;
	#received_at = 0;

	constructor() {
		this.#server = createServer((request, response) => {
			this.#received_at = performance.now();
			request
				.resume()
				.on("end", () => response.writeHead(200, { "content-type": "application/json" }).end("{}"));
		});
	}

	/** Opens the endpoint on a free loopback port; returns its URL. */
	async open(): Promise<string> {
		this.#server.listen(0, "127.0.0.1");
		await once(this.#server, "listening");
		return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
	}

	/** Waits until the spans of a turn have been exported, which would slow down the next one. Returns false after a time limit. */
	async becomesQuiet(): Promise<boolean> {
		const end = performance.now() + DRAIN_MS;
		do {
			await wait(QUIET_MS);
		} while (performance.now() - this.#received_at < QUIET_MS && performance.now() < end);
		return performance.now() < end;
	}

	close(): void {
		this.#server.close();
	}
}

/** The turns of a round. */
class Round {
	readonly #load: LoadProcess;
	readonly #receiver: Receiver;
	readonly #sides: ReadonlyMap<Variant, Side>;
	readonly #failed: Map<string, number>;
	#seed = 0;

	constructor(
		load: LoadProcess,
		receiver: Receiver,
		sides: ReadonlyMap<Variant, Side>,
		failed: Map<string, number>,
	) {
		this.#load = load;
		this.#receiver = receiver;
		this.#sides = sides;
		this.#failed = failed;
	}

	/** Returns the rates of neighbouring turns with the same requests, so that all shops have as many orders. */
	async turns(name: Case, turns: number): Promise<Rates[]> {
		const found: Rates[] = [];
		for (let number = 0; number < turns; number++) {
			const rates: Rates = { off: 0, one_percent: 0, all: 0 };
			for (const variant of SEQUENCES[number % SEQUENCES.length] as readonly Variant[]) {
				rates[variant] = await this.#rate(variant, name);
			}
			this.#seed += 1;
			found.push(rates);
		}
		return found;
	}

	/** Returns the units per second of a turn. */
	async #rate(variant: Variant, name: Case): Promise<number> {
		const side = this.#sides.get(variant) as Side;
		await logInAll(side);
		await wait(PAUSE_MS);
		const { done, elapsed_ms, failed } = await turn(this.#load, side, name, this.#seed);
		addTo(this.#failed, Object.entries(failed));
		await this.#load.do("drain", { sink: side.sink, timeout_ms: DRAIN_MS });
		// Spans that are still exported would slow down the next turn. A shop without traces waits as well, so that all pauses are alike.
		await this.#exported();
		return (1000 * done) / elapsed_ms;
	}

	async #exported(): Promise<void> {
		if (!(await this.#receiver.becomesQuiet())) {
			addTo(this.#failed, [["turn whose traces were still exported long after it", 1]]);
		}
	}
}

/** @param rounds Rates of the turns of each round. */
function throughputOf(name: Case, rounds: readonly Rates[][]): ObservedThroughput {
	return {
		case: name,
		off: median(rounds.flat().map(({ off }) => off)),
		one_percent: ratioOf("one_percent", rounds),
		all: ratioOf("all", rounds),
	};
}

function ratioOf(observed: Observed, rounds: readonly Rates[][]): Ratio {
	const byRound = rounds.map((turns) => totalRatio(observed, turns));
	return {
		total: totalRatio(observed, rounds.flat()),
		lowest: Math.min(...byRound),
		highest: Math.max(...byRound),
	};
}

/** Returns the ratio of the sums: all turns take the same time, and one that is disturbed counts no more than any other. */
function totalRatio(observed: Observed, turns: readonly Rates[]): number {
	const sum = (which: Variant) => turns.reduce((total, rates) => total + rates[which], 0);
	return sum(observed) / sum("off");
}

function turn(
	load: LoadProcess,
	side: Side,
	name: Case,
	seed: number,
	seconds = SECONDS,
): Promise<TurnResult> {
	const { address, sink, customers, products, hot_products, sold_out_product, mails } = side;
	return load.do("turn", {
		...{ address, sink, customers, sold_out_product, mails, seed },
		products: name === "product" ? products.slice(0, PRODUCTS) : products,
		hot_product: hot_products[0] as string,
		steps: caseOf(name).steps,
		connections: CONNECTIONS,
		seconds,
		isNat: false,
		isPaced: false,
		isPolling: name === "product",
	});
}

/** Scrapes a process during orders, and asks for its health in between. */
async function scrapeBusy(load: LoadProcess, side: Side, failed: Map<string, number>): Promise<Scrape> {
	await logInAll(side);
	// Longer than all pauses, so that the last scrape is during orders too.
	const seconds = ((2 * SCRAPES + 4) * SCRAPE_EVERY_MS) / 1000;
	const [busy, found] = await Promise.all([turn(load, side, "order", 100, seconds), scrapes(side.address)]);
	addTo(failed, Object.entries(busy.failed));
	await load.do("drain", { sink: side.sink, timeout_ms: DRAIN_MS });
	return found;
}

async function scrapes(address: string): Promise<Scrape> {
	const durations: number[] = [];
	const health: number[] = [];
	let text = "";
	for (let number = 0; number < SCRAPES; number++) {
		health.push((await get(`${address}/health/live`)).ms);
		const scrape = await get(`${address}/metrics`);
		durations.push(scrape.ms);
		text = scrape.text;
	}
	return {
		p50_ms: median(durations),
		health_p50_ms: median(health),
		bytes: Buffer.byteLength(text),
		series: text.split("\n").filter((line) => line !== "" && !line.startsWith("#")).length,
		dropped: Number(/^toko_traces_dropped_total (\d+)/m.exec(text)?.[1]),
	};
}

/** Reads a page after a pause. */
async function get(url: string): Promise<{ ms: number; text: string }> {
	await wait(SCRAPE_EVERY_MS);
	const begun = performance.now();
	const response = await fetch(url);
	const text = await response.text();
	if (!response.ok) {
		throw new Error(`GET ${url} returned ${response.status} ${text}`);
	}
	return { ms: performance.now() - begun, text };
}

function lineOf({ case: name, off, one_percent, all }: ObservedThroughput): string {
	return (
		`${name.padEnd(8)} ${Math.round(off)} a second without metrics, logs and traces; with them and 1 % of the traces ` +
		`${textOf(one_percent)} of that, with all traces ${textOf(all)}`
	);
}

/** Returns the ratios of the last of the rounds. */
function roundLine(name: Case, rounds: readonly Rates[][]): string {
	const turns = rounds.at(-1) as Rates[];
	const [one_percent, all] = [totalRatio("one_percent", turns), totalRatio("all", turns)];
	return `${name} ${one_percent.toFixed(3)} with 1 % of the traces, ${all.toFixed(3)} with all`;
}

function textOf({ total, lowest, highest }: Ratio): string {
	return `${total.toFixed(2)} (${lowest.toFixed(2)} to ${highest.toFixed(2)} by round)`;
}
