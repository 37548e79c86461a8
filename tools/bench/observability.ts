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

/** Throughput of a shop that is observed, beside one that is not. */
export interface ObservedThroughput {
	case: CaseName;
	/** Units per second of the shop without metrics, logs and traces. */
	off: number;
	/** With metrics and logs, and 1 % of the traces or all. */
	one_percent: Ratio;
	all: Ratio;
}

/** Ratio of neighbouring turns: the median of all, and the lowest and highest median of a round, whose processes differ. */
export interface Ratio {
	median: number;
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

const CASES: CaseName[] = ["product", "order"];
const CONNECTIONS = 32;
/**
 * Duration of a turn: short, since what else the machine does changes within seconds, and a shop that waits for the turns of the
 * others for long has to read its products again.
 */
const SECONDS = 0.5;
/**
 * Few, since two processes with the same settings differ by a fifth for as long as they run, so that what counts is their number.
 */
const TURNS_A_ROUND = 6;
/** Turns before the first measured one: V8 compiles what is called often only within seconds. */
const WARM_UP_TURNS = 6;
/** Orders of the turns, used one after the other: what a turn leaves behind meets each of the others as often. */
const ORDERS = [
	["off", "one_percent", "all"],
	["all", "off", "one_percent"],
	["one_percent", "all", "off"],
	["off", "all", "one_percent"],
	["one_percent", "off", "all"],
	["all", "one_percent", "off"],
] as const;
/** Time after which spans are exported: that of a turn, so that each turn has its own exports. */
const EXPORT_MS = 1000 * SECONDS;
/** Traces count as exported when none has arrived for this time. */
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
 * Measures in turn a shop that is not observed, one that exports 1 % of its traces, and one that exports all. Each round starts them
 * anew, in another order.
 */
export async function measureObservability(
	{ directory, rounds }: { directory: string; rounds: number },
	log: (line: string) => void,
	failed = new Map<string, number>(),
): Promise<{ throughput: ObservedThroughput[]; scrape: Scrape }> {
	const load = new LoadProcess();
	const receiver = new Receiver();
	const rates = new Map<CaseName, Rates[][]>(CASES.map((name) => [name, []]));
	const scraped: Scrape[] = [];
	try {
		const variants = variantsFor(await receiver.open());
		for (let round = 0; round < rounds; round++) {
			const sides = new Map<keyof Rates, Side>();
			try {
				for (let place = 0; place < variants.length; place++) {
					const [variant, environment] = variants[(place + round) % variants.length] as (typeof variants)[0];
					const sink = await load.do("sink");
					const side = await startShop(variant, directory, "one", sink, { environment });
					// Three of them would take a tenth of a core.
					side.time.stop();
					sides.set(variant, side);
				}
				for (const [name, found] of rates) {
					found.push(await compare(load, receiver, sides, name, failed));
				}
				scraped.push(await scrapeBusy(load, sides.get("all") as Side, failed));
			} finally {
				for (const side of sides.values()) {
					await side.postgres.close();
				}
				await cleanUp();
			}
			log(`measured round ${round + 1} of ${rounds}`);
		}
		const throughput = [...rates].map(([name, found]) => throughputOf(name, found));
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

/** Units per second of neighbouring turns. */
type Rates = Record<"off" | "one_percent" | "all", number>;

function variantsFor(receiver: string): [keyof Rates, Record<string, string>][] {
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

async function compare(
	load: LoadProcess,
	receiver: Receiver,
	sides: ReadonlyMap<keyof Rates, Side>,
	name: CaseName,
	failed: Map<string, number>,
): Promise<Rates[]> {
	const rates: Rates[] = [];
	for (let number = 1; number <= WARM_UP_TURNS + TURNS_A_ROUND; number++) {
		const found: Partial<Rates> = {};
		for (const variant of ORDERS[number % ORDERS.length] as (typeof ORDERS)[0]) {
			const side = sides.get(variant) as Side;
			await logInAll(side);
			const { done, elapsed_ms, failed: unexpected } = await turn(load, side, name, number);
			addTo(failed, Object.entries(unexpected));
			found[variant] = (1000 * done) / elapsed_ms;
			await load.do("drain", { sink: side.sink, timeout_ms: DRAIN_MS });
			// Also after the shop that exports nothing, so that each turn begins after the same pause.
			if (!(await receiver.becomesQuiet())) {
				addTo(failed, [["turn whose traces were still exported long after it", 1]]);
			}
		}
		if (number > WARM_UP_TURNS) {
			rates.push(found as Rates);
		}
	}
	return rates;
}

/** @param rounds Rates of the turns of each round. */
function throughputOf(name: CaseName, rounds: readonly Rates[][]): ObservedThroughput {
	return {
		case: name,
		off: median(rounds.flat().map(({ off }) => off)),
		one_percent: ratioOf(rounds, ({ off, one_percent }) => one_percent / off),
		all: ratioOf(rounds, ({ off, all }) => all / off),
	};
}

function ratioOf(rounds: readonly Rates[][], ratio: (rates: Rates) => number): Ratio {
	const medians = rounds.map((turns) => median(turns.map(ratio)));
	return {
		median: median(rounds.flat().map(ratio)),
		lowest: Math.min(...medians),
		highest: Math.max(...medians),
	};
}

function turn(
	load: LoadProcess,
	side: Side,
	name: CaseName,
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

function textOf({ median: ratio, lowest, highest }: Ratio): string {
	return `${ratio.toFixed(2)} (${lowest.toFixed(2)} to ${highest.toFixed(2)} by round)`;
}
