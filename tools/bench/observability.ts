import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
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
	/** Median of the ratios of neighbouring turns: with metrics and logs, and 1 % of the traces or all. */
	one_percent: number;
	all: number;
}

/** Duration and size of scrapes of the busy process that exports all traces, and its series. */
export interface Scrape {
	p50_ms: number;
	bytes: number;
	series: number;
}

/** Minimum ratios that count as good. */
export const ONE_PERCENT_MIN = 0.95;
export const ALL_MIN = 0.75;

const CASES: CaseName[] = ["product", "order"];
const CONNECTIONS = 32;
/** Duration of a turn: short, since what else the machine does changes within seconds. */
const SECONDS = 1;
const TURNS_A_ROUND = 4;
const SCRAPES = 5;
const DRAIN_MS = 90_000;

const OFF = { METRICS_PORT: "off", LOG_LEVEL: "silent" };
const ON = { LOG_LEVEL: "info", LOG_FORMAT: "json", LOG_SAMPLE: "0.01" };

/** Measures in turn a shop that is not observed, one that exports 1 % of its traces, and one that exports all. */
export async function measureObservability(
	{ directory, rounds }: { directory: string; rounds: number },
	log: (line: string) => void,
	failed = new Map<string, number>(),
): Promise<{ throughput: ObservedThroughput[]; scrape: Scrape }> {
	const load = new LoadProcess();
	const receiver = await openReceiver();
	const sides: Side[] = [];
	try {
		const traced = (ratio: string) => ({
			...ON,
			OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${(receiver.address() as AddressInfo).port}`,
			OTEL_TRACES_SAMPLER: "traceidratio",
			OTEL_TRACES_SAMPLER_ARG: ratio,
		});
		for (const [name, environment] of [
			["off", OFF],
			["1 %", traced("0.01")],
			["all", traced("1")],
		] as const) {
			sides.push(await startShop(name, directory, "one", await load.do("sink"), { environment }));
			log(`started a shop: ${name}`);
		}
		const throughput: ObservedThroughput[] = [];
		for (const name of CASES) {
			throughput.push(await compare(load, sides, name, rounds, failed));
			log(lineOf(throughput.at(-1) as ObservedThroughput));
		}
		const scrape = await scrapeBusy(load, sides[2] as Side, failed);
		for (const [what, times] of failed) {
			log(`${times} × ${what}`);
		}
		return { throughput, scrape };
	} finally {
		for (const side of sides) {
			side.time.stop();
			await side.postgres.close();
		}
		receiver.close();
		load.close();
		await cleanUp();
	}
}

/** Opens an endpoint that accepts all traces and reads none. */
async function openReceiver(): Promise<Server> {
	const server = createServer((request, response) => {
		request
			.resume()
			.on("end", () => response.writeHead(200, { "content-type": "application/json" }).end("{}"));
	});
	server.listen(0, "127.0.0.1");
	await once(server, "listening");
	return server;
}

async function compare(
	load: LoadProcess,
	sides: readonly Side[],
	name: CaseName,
	rounds: number,
	failed: Map<string, number>,
): Promise<ObservedThroughput> {
	const rates: [number, number, number][] = [];
	// The first round warms up.
	for (let round = 0; round <= rounds * TURNS_A_ROUND; round++) {
		const found: number[] = [];
		for (const side of sides) {
			await logInAll(side);
			const { done, elapsed_ms, failed: unexpected } = await turn(load, side, name, round + 1);
			addTo(failed, Object.entries(unexpected));
			found.push((1000 * done) / elapsed_ms);
			await load.do("drain", { sink: side.sink, timeout_ms: DRAIN_MS });
		}
		if (round > 0) {
			rates.push(found as [number, number, number]);
		}
	}
	return {
		case: name,
		off: median(rates.map(([off]) => off)),
		one_percent: median(rates.map(([off, some]) => some / off)),
		all: median(rates.map(([off, , all]) => all / off)),
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
		...{ address, sink, customers, products, sold_out_product, mails, seed },
		hot_product: hot_products[0] as string,
		steps: caseOf(name).steps,
		connections: CONNECTIONS,
		seconds,
		isNat: false,
		isPaced: false,
	});
}

/** Scrapes a process during orders. */
async function scrapeBusy(load: LoadProcess, side: Side, failed: Map<string, number>): Promise<Scrape> {
	await logInAll(side);
	const busy = turn(load, side, "order", 100, SCRAPES);
	const durations: number[] = [];
	let text = "";
	while (durations.length < SCRAPES) {
		// A text is sent again for a second.
		await new Promise((resolve) => setTimeout(resolve, 1100 / 2));
		const begun = performance.now();
		const response = await fetch(`${side.address}/metrics`);
		text = await response.text();
		durations.push(performance.now() - begun);
	}
	addTo(failed, Object.entries((await busy).failed));
	await load.do("drain", { sink: side.sink, timeout_ms: DRAIN_MS });
	const series = text.split("\n").filter((line) => line !== "" && !line.startsWith("#")).length;
	return { p50_ms: median(durations), bytes: Buffer.byteLength(text), series };
}

function lineOf({ case: name, off, one_percent, all }: ObservedThroughput): string {
	return (
		`${name.padEnd(8)} ${Math.round(off)} a second without metrics, logs and traces; with them and 1 % of the traces ` +
		`${one_percent.toFixed(2)} of that, with all traces ${all.toFixed(2)}`
	);
}
