import { once } from "node:events";
import { setTimeout as wait } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import { SeededRandom } from "../../seeded-random.ts";
import { type Command, cleanUp, client, newFolder, readyAddress, run, signUp } from "../../shop-process.ts";
import { ADDRESS } from "../cases.ts";
import { type ExpectedRequest, HttpClient } from "../http-client.ts";
import { ProcessorTime } from "../processor-time.ts";
import { componentOf } from "../side.ts";
import { median } from "../statistics.ts";
import { WORDS } from "../words.ts";
import { Catalogue } from "./catalogue.ts";
import { COMPARISON, type Curve, count, type Figure, seriesOf } from "./curve.ts";
import { OtherLoad } from "./other-load.ts";

const LEVELS = [1000, 10_000, 100_000, 300_000, 1_000_000];
/** Time limit for writing products; after it, the curve ends with the products written so far. */
const WRITING_MS = 12 * 60_000;
/** Minimum ratio to the previous level from which an incomplete level is measured. */
const LEVEL_RATIO_MIN = 2;
const START_MS = 10 * 60_000;
/** Time after which recent writes are no longer checked again. */
const SETTLE_MS = 15_000;
/** Maximum number of requests of a kind, their time limit, and the share of them that counts as warm-up. */
const TIMES = 350;
const TIMES_MS = 20_000;
const WARM_SHARE = 0.15;

/** A prime, so that consecutive products are not adjacent in the store. */
const STRIDE = 7919;
const LIST = "/api/v1/products?";

/**
 * Measures the slowdown of products, lists, searches and orders with the number of products, on the MongoDB-compatible
 * development server.
 */
export async function growProducts(most: number, log: (line: string) => void): Promise<Curve> {
	const mails = new Worker(new URL("../mail-sink.ts", import.meta.url), { workerData: "silent" });
	try {
		const [port] = (await once(mails, "message")) as [number];
		const folder = newFolder();
		const url = await readyAddress(run(folder, ["mongo"]), 300_000);
		const growth = new ProductGrowth(folder, { MONGO_URL: url, SMTP_URL: `smtp://127.0.0.1:${port}` });
		return await growth.measure(
			LEVELS.filter((level) => level <= most),
			log,
		);
	} finally {
		await mails.terminate();
		await cleanUp();
	}
}

class ProductGrowth {
	#folder: string;
	#environment: { MONGO_URL: string; SMTP_URL: string };
	#catalogue: Catalogue;
	#random = new SeededRandom(1);
	#ordered = 0;
	#asked = 0;
	#failed: Record<string, number> = {};
	#notes: string[] = [];

	constructor(folder: string, environment: { MONGO_URL: string; SMTP_URL: string }) {
		this.#folder = folder;
		this.#environment = environment;
		this.#catalogue = new Catalogue(environment.MONGO_URL);
	}

	async measure(levels: number[], log: (line: string) => void): Promise<Curve> {
		const reached: number[] = [];
		const figures: Figure[][] = [];
		// The first start creates the indexes and the sample catalogue.
		await (await this.#start()).stop();
		const until_ms = performance.now() + WRITING_MS;
		for (const level of levels) {
			const total = await this.#catalogue.grow(level, until_ms, log);
			const isShort = total < level;
			if (isShort) {
				const rate = this.#catalogue.per_second;
				this.#notes.push(
					`the curve ends at ${count(total)} products: by then the development server writes ${rate.toFixed(0)} a ` +
						`second, so ${count(level)} would take another ${Math.ceil((level - total) / rate / 60)} minutes`,
				);
			}
			if (isShort && total < LEVEL_RATIO_MIN * (reached.at(-1) ?? 0)) {
				break;
			}
			const found = await this.#level(`${count(total)} products`).catch((error: Error) => {
				this.#notes.push(`the curve ends before ${count(total)} products: ${error.message}`);
			});
			if (!found) {
				break;
			}
			reached.push(total);
			figures.push(found);
			const summary = found.map(({ what, unit, value }) => `${what} ${value.toFixed(2)} ${unit}`);
			log(`${count(total)} products: ${summary.join(", ")}`);
			if (isShort) {
				break;
			}
		}
		return {
			name: "products",
			title: "Products on the MongoDB-compatible server for development",
			of: "products",
			levels: reached,
			series: seriesOf(figures),
			notes: this.#notes,
			failed: this.#failed,
		};
	}

	/** Starts a shop on the data in the store and measures its requests. */
	async #level(level: string): Promise<Figure[]> {
		const shop = await this.#start();
		const time = new ProcessorTime(this.#folder, componentOf);
		try {
			await wait(SETTLE_MS);
			const token = await signUp(client(shop.address), `buyer${this.#ordered}`);
			const httpClient = new HttpClient(shop.address);
			const found: Figure[] = [];
			const others = new OtherLoad(time);
			for (const [what, next] of this.#requests(token)) {
				const times: number[] = [];
				const started_at = performance.now();
				for (let number = 0; number < TIMES && performance.now() - started_at < TIMES_MS; number++) {
					const request = next();
					if (request.path.startsWith(LIST)) {
						await httpClient.bypassCache(token);
					}
					const { ms, body } = await httpClient.send(request);
					if (body !== undefined) {
						times.push(ms);
					}
				}
				const value = median(times.slice(Math.floor(times.length * WARM_SHARE)));
				found.push({ what, unit: "ms", value, isJudged: what !== COMPARISON });
			}
			httpClient.close();
			this.#notes.push(...others.remark(level));
			for (const [what, times] of Object.entries(httpClient.failed)) {
				this.#failed[what] = (this.#failed[what] ?? 0) + times;
			}
			const memory = time.memory();
			return [
				...found,
				{ what: "start of the shop", unit: "s", value: shop.ready_ms / 1000, isJudged: false },
				...MEMORY.map(
					([what, component]): Figure => ({
						what,
						unit: "MB",
						value: memory.get(component) ?? Number.NaN,
						isJudged: false,
					}),
				),
			];
		} finally {
			time.stop();
			await shop.stop();
		}
	}

	#requests(token: string): [what: string, next: () => ExpectedRequest][] {
		const get = (what: string, path: () => string): [string, () => ExpectedRequest] => [
			what,
			() => ({ what, method: "GET", path: path(), status: 200, token }),
		];
		return [
			get("a random product", () => `/api/v1/products/${this.#other()}`),
			get("the first page of 20", () => `${LIST}limit=20`),
			get("a search: two words, cheapest first", () => {
				const words = this.#random.shuffle(WORDS).slice(0, 2);
				return `${LIST}q=${words.join("+")}&sort=price&limit=20`;
			}),
			["a keyed order", () => this.#order(token)],
			[
				COMPARISON,
				() => ({ what: "own account", method: "GET", path: "/api/v1/users/me", status: 200, token }),
			],
		];
	}

	/** Returns a product that was not requested before at this level, so that no cache has it. */
	#other(): string {
		const { ids } = this.#catalogue;
		return ids[(this.#asked++ * STRIDE) % ids.length] as string;
	}

	#order(token: string): ExpectedRequest {
		const items = [{ product_id: this.#other(), quantity: 1 }];
		const body = JSON.stringify({ items, shipping_address: ADDRESS });
		const key = `growth-${this.#ordered++}`;
		return { what: "order", method: "POST", path: "/api/v1/orders", status: 201, token, key, body };
	}

	async #start() {
		const started_at = performance.now();
		const command: Command = run(this.#folder, ["start"], this.#environment);
		const address = await readyAddress(command, START_MS).catch(() => {
			const lines = `${command.output()}\n${command.errors()}`.trim().split("\n");
			const message = lines.findLast((line) => line.startsWith("toko: ")) ?? lines.at(-1);
			throw new Error(`the shop did not start (${message})`);
		});
		const stop = async () => {
			command.child.kill("SIGTERM");
			await command.ended();
		};
		return { address, ready_ms: performance.now() - started_at, stop };
	}
}

const MEMORY = [
	["memory of the shop's process", "all in one"],
	["memory of the server", "MongoDB"],
] as const;
