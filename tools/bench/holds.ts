import { setTimeout as wait } from "node:timers/promises";
import { cleanUp } from "../shop-process.ts";
import { caseOf } from "./cases.ts";
import type { Turn } from "./load.ts";
import { LoadProcess } from "./load-process.ts";
import { logInAll, type Side, startShop } from "./side.ts";
import { addTo, median } from "./statistics.ts";

/** Times of reading and ordering one product at a number of open holds, and their ratios to a product without holds. */
export interface HoldsCost {
	holds: number;
	read_ms: number;
	order_ms: number;
	read_ratio: number;
	order_ratio: number;
}

/** Maximum ratio that counts as good. */
export const HOLDS_RATIO_MAX = 1.5;

const LEVELS = [0, 100, 1000, 10_000];
const FILL_SECONDS = 2;
const FILL_CONNECTIONS = 32;
const MEASURE_SECONDS = 3;
/** Low concurrency: it measures the time of one request, not of queues. */
const MEASURE_CONNECTIONS = 4;
const ROUNDS = 3;
const DRAIN_MS = 90_000;

/**
 * Orders one product repeatedly without paying. At each level, this product and one without holds are measured in turn.
 *
 * @param failed Collects the number of unexpected responses by kind.
 */
export async function measureHolds(
	directory: string,
	log: (line: string) => void,
	failed = new Map<string, number>(),
): Promise<HoldsCost[]> {
	const load = new LoadProcess();
	let side: Side | undefined;
	try {
		side = await startShop("shop", directory, "one", await load.do("sink"));
		const held = new Held(load, side, failed);
		await held.measure(side.hot_products[1] as string);
		const costs: HoldsCost[] = [];
		for (const level of LEVELS) {
			await held.fill(level);
			costs.push(await held.compare());
			log(line(costs.at(-1) as HoldsCost));
		}
		for (const [what, times] of failed) {
			log(`${times} × ${what}`);
		}
		return costs;
	} finally {
		side?.time.stop();
		await side?.postgres.close();
		load.close();
		await cleanUp();
	}
}

class Held {
	#load: LoadProcess;
	#side: Side;
	#failed: Map<string, number>;
	#orders = 0;
	#seed = 1;

	constructor(load: LoadProcess, side: Side, failed: Map<string, number>) {
		this.#load = load;
		this.#side = side;
		this.#failed = failed;
	}

	/** Orders the first hot product until it has this number of holds. */
	async fill(holds: number): Promise<void> {
		while (this.#orders < holds) {
			await logInAll(this.#side);
			const { orders } = await this.#turn("hot", this.#product, FILL_SECONDS, FILL_CONNECTIONS);
			if (orders === 0) {
				throw new Error(`the shop accepts no more orders, at ${this.#orders} holds of one product`);
			}
			this.#orders += orders;
		}
		await this.#load.do("drain", { sink: this.#side.sink, timeout_ms: DRAIN_MS });
		await wait(1000);
	}

	/** Measures it in turn with a product that has almost no holds. */
	async compare(): Promise<HoldsCost> {
		await logInAll(this.#side);
		const holds = this.#orders;
		const rounds = [];
		for (let round = 0; round < ROUNDS; round++) {
			const free = await this.measure(this.#side.hot_products[2 + (this.#seed % 50)] as string);
			const held = await this.measure(this.#product);
			this.#orders += held.orders;
			rounds.push({ free, held });
		}
		return {
			holds,
			read_ms: median(rounds.map(({ held }) => held.read_ms)),
			order_ms: median(rounds.map(({ held }) => held.order_ms)),
			read_ratio: median(rounds.map(({ held, free }) => held.read_ms / free.read_ms)),
			order_ratio: median(rounds.map(({ held, free }) => held.order_ms / free.order_ms)),
		};
	}

	/** Measures orders before reads, so that the product has just changed when it is read. */
	async measure(product: string): Promise<{ read_ms: number; order_ms: number; orders: number }> {
		const order = await this.#turn("hot", product, MEASURE_SECONDS, MEASURE_CONNECTIONS);
		const read = await this.#turn("product", product, MEASURE_SECONDS, MEASURE_CONNECTIONS);
		return { read_ms: read.p50_ms, order_ms: order.p50_ms, orders: order.orders };
	}

	get #product(): string {
		return this.#side.hot_products[0] as string;
	}

	async #turn(name: "hot" | "product", product: string, seconds: number, connections: number) {
		const { address, sink, customers, sold_out_product, mails } = this.#side;
		const turn: Turn = {
			...{ address, sink, customers, sold_out_product, mails, connections, seconds },
			steps: caseOf(name).steps,
			seed: this.#seed++,
			products: [product],
			hot_product: product,
			isNat: false,
			isPaced: false,
		};
		const result = await this.#load.do("turn", turn);
		addTo(this.#failed, Object.entries(result.failed));
		return result;
	}
}

function line({ holds, read_ms, order_ms, read_ratio, order_ratio }: HoldsCost): string {
	return (
		`${String(holds).padStart(6)} open holds: a read takes ${read_ms.toFixed(2)} ms, ${read_ratio.toFixed(2)} times that ` +
		`of a product without holds; an order ${order_ms.toFixed(1)} ms, ${order_ratio.toFixed(2)} times`
	);
}
