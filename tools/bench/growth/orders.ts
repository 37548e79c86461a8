import { once } from "node:events";
import { setTimeout as wait } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import { SeededRandom } from "../../seeded-random.ts";
import { cleanUp, client } from "../../shop-process.ts";
import { ADDRESS } from "../cases.ts";
import { type ExpectedRequest, HttpClient } from "../http-client.ts";
import { adminToken, logInAll, type Side, startShop } from "../side.ts";
import { median } from "../statistics.ts";
import { COMPARISON, type Curve, count, type Figure, ms as inMs, seriesOf } from "./curve.ts";
import { OtherLoad } from "./other-load.ts";
import { PAGE, PastOrders } from "./past-orders.ts";

const LEVELS = [0, 10_000, 100_000, 1_000_000];
const ROUNDS = 5;
/** Number of requests of a kind in a round. */
const BATCH = 100;
/** Warm-up requests: before the first level to compile code, before the others to fill caches. */
const FIRST_WARM = 300;
const WARM = 60;
/** Time for the mails and events of a batch, whose cost is included. */
const AFTER_MS = 2000;
const IDLE_MS = 10_000;
/** Initial number of orders of an occasional and of a frequent customer; the frequent one always fills a page. */
const FEW_ORDERS = 3;
const MANY_ORDERS = 2 * PAGE + 1;

interface MeasuredRequest {
	what: string;
	/** Returns the next request; undefined if there is none to send. */
	next: () => ExpectedRequest | undefined;
	/** True if the shop continues to work after the response. */
	isWrite: boolean;
}

/**
 * Measures the slowdown of orders, payments and lists of orders with the number of orders, as response time and as
 * PostgreSQL time.
 */
export async function growOrders(
	directory: string,
	most: number,
	log: (line: string) => void,
): Promise<Curve> {
	const mails = new Worker(new URL("../mail-sink.ts", import.meta.url), { workerData: "silent" });
	let side: Side | undefined;
	try {
		const [port] = (await once(mails, "message")) as [number];
		side = await startShop("shop", directory, "one", port);
		return await new OrderGrowth(side).measure(
			LEVELS.filter((level) => level <= most),
			log,
		);
	} finally {
		side?.time.stop();
		await side?.postgres.close();
		await mails.terminate();
		await cleanUp();
	}
}

class OrderGrowth {
	#side: Side;
	#client: HttpClient;
	#random = new SeededRandom(1);
	#admin = "";
	#unpaid: { id: string; token: string }[] = [];
	/** Ids of the orders placed through the API, used while there are no others. */
	#own: string[] = [];
	#ordered = 0;
	#past: PastOrders | undefined;
	/** Cursor of the last page of the frequent customer. */
	#lastPage = "";
	#notes: string[] = [];

	constructor(side: Side) {
		this.#side = side;
		this.#client = new HttpClient(side.address);
	}

	async measure(levels: number[], log: (line: string) => void): Promise<Curve> {
		const [occasional, frequent] = this.#side.customers;
		const request = client(this.#side.address);
		const { body: me } = await request("GET", "/api/v1/users/me", { token: frequent?.token ?? "" });
		this.#past = new PastOrders(this.#side.folder, this.#side.products, me.id);
		for (let number = 0; number < FEW_ORDERS + MANY_ORDERS; number++) {
			const customer = number < FEW_ORDERS ? occasional : frequent;
			await this.#client.send(this.#order(customer?.token as string));
		}
		const requests = this.#requests();
		const figures: Figure[][] = [];
		for (const level of levels) {
			// The benchmark places few orders in comparison, but they count: order numbers continue from them.
			await this.#grow(level, log);
			this.#side.logged_in_ms = 0;
			await logInAll(this.#side);
			this.#lastPage = await this.#past.lastPage(me.id);
			this.#admin = await adminToken(this.#side.address);
			const others = new OtherLoad(this.#side.time);
			const results = await this.#level(requests, level === levels[0] ? FIRST_WARM : WARM);
			this.#notes.push(...others.remark(`${count(level)} orders`));
			figures.push([
				...results.map(
					({ what, ms }): Figure => ({ what, unit: "ms", value: ms, isJudged: what !== COMPARISON }),
				),
				...results.map(
					({ what, postgres_ms: value }): Figure => ({
						what,
						...{ unit: "PostgreSQL ms", value, isJudged: what !== COMPARISON },
					}),
				),
				...results
					.filter(({ isWrite }) => isWrite)
					.map(({ what, log_kB: value }): Figure => ({ what, unit: "kB of WAL", value, isJudged: false })),
			]);
			log(`${count(level)} orders: ${results.map(({ what, ms }) => `${what} ${inMs(ms)} ms`).join(", ")}`);
		}
		this.#client.close();
		return {
			name: "orders",
			title: "Orders in the database",
			of: "orders",
			levels,
			series: seriesOf(figures),
			notes: this.#notes,
			failed: this.#client.failed,
		};
	}

	async #grow(level: number, log: (line: string) => void): Promise<void> {
		const past = this.#past as PastOrders;
		const missing = level - this.#ordered;
		if (missing <= past.written) {
			return;
		}
		const since = new Date();
		await past.write(missing, log);
		log("waiting for autovacuum, as in a shop that grew slowly");
		if (!(await past.settled(since))) {
			this.#notes.push(`autovacuum was still running when ${count(level)} orders were measured`);
		}
	}

	#requests(): MeasuredRequest[] {
		const { customers } = this.#side;
		const [occasional, frequent, ...others] = customers;
		const list = (what: string, token: () => string, cursor = () => ""): MeasuredRequest => ({
			what,
			isWrite: false,
			next: () => {
				const path = `/api/v1/orders?limit=${PAGE}${cursor()}`;
				return { what, method: "GET", path, status: 200, token: token() };
			},
		});
		const ofFrequent = () => frequent?.token as string;
		return [
			{
				what: "a keyed order",
				isWrite: true,
				next: () => this.#order(this.#random.pick(others).token),
			},
			{
				what: "a payment",
				isWrite: true,
				next: () => {
					const order = this.#unpaid.shift();
					return (
						order && {
							...{ what: "payment", method: "POST", path: `/api/v1/orders/${order.id}/pay`, status: 200 },
							...{ token: order.token, body: "{}" },
						}
					);
				},
			},
			{
				what: "one order, by id",
				isWrite: false,
				next: () => {
					const path = `/api/v1/orders/${this.#anyOrder()}`;
					return { what: "order by id", method: "GET", path, status: 200, token: this.#admin };
				},
			},
			list("orders of a user with few", () => occasional?.token as string),
			list("orders of a user with many", ofFrequent),
			list("the last page of these, by cursor", ofFrequent, () => `&cursor=${this.#lastPage}`),
			list("all orders, for an admin", () => this.#admin),
			{
				what: COMPARISON,
				isWrite: false,
				next: () => ({
					what: "own account",
					method: "GET",
					path: "/api/v1/users/me",
					status: 200,
					token: occasional?.token as string,
				}),
			},
		];
	}

	#order(token: string): ExpectedRequest {
		const product_id = this.#side.products[this.#ordered % this.#side.products.length];
		const body = JSON.stringify({ items: [{ product_id, quantity: 1 }], shipping_address: ADDRESS });
		const key = `growth-${this.#ordered++}`;
		return { what: "order", method: "POST", path: "/api/v1/orders", status: 201, token, key, body };
	}

	#anyOrder(): string {
		const past = this.#past as PastOrders;
		return past.written === 0
			? this.#random.pick(this.#own)
			: past.idOf(this.#random.between(1, past.written));
	}

	async #level(requests: MeasuredRequest[], warm: number) {
		for (const measured of requests) {
			await this.#batch(measured, warm);
		}
		await wait(AFTER_MS);
		const idle = await this.#postgresDuring(() => wait(IDLE_MS));
		const idleShare = idle.cpu_ms / idle.elapsed_ms;
		const results = requests.map(({ what, isWrite }) => ({
			...{ what, isWrite },
			...{ times: [] as number[], cpu: [] as number[], log: [] as number[] },
		}));
		for (let round = 0; round < ROUNDS; round++) {
			for (const [number, measured] of requests.entries()) {
				let times: number[] = [];
				const { cpu_ms, elapsed_ms, log_bytes } = await this.#postgresDuring(async () => {
					times = await this.#batch(measured, BATCH);
					await wait(measured.isWrite ? AFTER_MS : 0);
				});
				results[number]?.times.push(...times);
				results[number]?.cpu.push((cpu_ms - elapsed_ms * idleShare) / BATCH);
				results[number]?.log.push(log_bytes / 1024 / BATCH);
			}
		}
		return results.map(({ what, isWrite, times, cpu, log }) => ({
			...{ what, isWrite },
			ms: median(times),
			postgres_ms: Math.max(0, median(cpu)),
			log_kB: median(log),
		}));
	}

	/** Returns the milliseconds of each expected response. */
	async #batch(measured: MeasuredRequest, times: number): Promise<number[]> {
		const taken: number[] = [];
		for (let time = 0; time < times; time++) {
			const request = measured.next();
			if (request === undefined) {
				break;
			}
			const { ms, body } = await this.#client.send(request);
			if (body === undefined) {
				continue;
			}
			taken.push(ms);
			if (request.what === "order") {
				const { id } = JSON.parse(body.toString()) as { id: string };
				this.#unpaid.push({ id, token: request.token as string });
				this.#own.push(id);
			}
		}
		return taken;
	}

	async #postgresDuring(work: () => Promise<unknown>) {
		const { time, postgres } = this.#side;
		const before = { ...(await postgres.count()), cpu_ms: time.now().get("PostgreSQL") ?? 0 };
		const started_at = performance.now();
		await work();
		const elapsed_ms = performance.now() - started_at;
		const cpu_ms = (time.now().get("PostgreSQL") ?? 0) - before.cpu_ms;
		return { cpu_ms, elapsed_ms, log_bytes: (await postgres.count()).wal_bytes - before.wal_bytes };
	}
}
