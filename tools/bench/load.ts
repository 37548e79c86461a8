import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { setTimeout as wait } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import { SeededRandom } from "../seeded-random.ts";
import { ADDRESS, CATEGORY, PAGE_LENGTH, PAGES, PASSWORD, type Step } from "./cases.ts";
import { codeOf, HttpConnection, type HttpResponse, requestText } from "./http-connection.ts";
import type { DrainResult } from "./mail-ledger.ts";
import { MailLedger } from "./mail-ledger.ts";
import type { SunkMail } from "./mail-sink.ts";
import { percentile } from "./statistics.ts";

/** Load on one server for some seconds. */
export interface Turn {
	address: string;
	/** Port of the mail sink that receives the mails of this server. */
	sink: number;
	steps: readonly (readonly [Step, number])[];
	connections: number;
	seconds: number;
	seed: number;
	customers: { email: string; token: string }[];
	products: string[];
	hot_product: string;
	sold_out_product: string;
	/** Fields of every order besides its items; by default, a text as its address. */
	order_terms?: { address: object; shipping_method: string };
	/** Vouchers that the orders use in turn. */
	voucher_codes?: readonly string[];
	/** Number of mails that an order and a payment cause. */
	mails: { order: number; payment: number };
	/** True if all buyers share one address, as behind one router; otherwise each has its own. */
	isNat: boolean;
	/** True if buyers pause while mails fall behind. */
	isPaced: boolean;
	/** True if the load generator polls instead of sleeping: to wake it costs the server as much as a cached response does. */
	isPolling?: boolean;
}

/** Result of a turn. */
export interface TurnResult {
	/** Number of units with the expected responses: requests, or orders with their payments. */
	done: number;
	/** Number of HTTP responses of any kind. */
	answers: number;
	/** Number of orders with response 201. */
	orders: number;
	/** Milliseconds from the first request to the last response. */
	elapsed_ms: number;
	p50_ms: number;
	p99_ms: number;
	/** Number of unexpected responses by kind, such as `order 503 SERVICE_UNAVAILABLE`. */
	failed: Record<string, number>;
}

/** Commands from the parent process, by name. */
export interface Commands {
	/** Opens a mail server and returns its port. */
	sink(): Promise<number>;
	turn(turn: Turn): Promise<TurnResult>;
	/** Waits until all mails expected at this sink have arrived, within a time limit. */
	drain(argument: { sink: number; timeout_ms: number }): Promise<DrainResult>;
	/** Returns the processor time of this process since its start. */
	cpu_ms(): Promise<number>;
}

const PACE_POLL_MS = 5;
/** Buyers pause while the outstanding mails exceed those received in this number of seconds. */
const PACE_SECONDS = 2;

const sinks = new Map<number, MailLedger>();
const commands: Commands = {
	async sink() {
		const thread = new Worker(new URL("./mail-sink.ts", import.meta.url));
		const [port] = (await once(thread, "message")) as [number];
		const ledger = new MailLedger();
		thread.on("message", (mails: SunkMail[]) => ledger.receive(mails));
		sinks.set(port, ledger);
		return port;
	},

	async turn(turn) {
		const buyers = new Buyers(turn, sinks.get(turn.sink) as MailLedger);
		return buyers.run();
	},

	async drain({ sink, timeout_ms }) {
		const ledger = sinks.get(sink) as MailLedger;
		const started_at = performance.now();
		while (ledger.outstanding > 0 && performance.now() - started_at < timeout_ms) {
			await wait(10);
		}
		return ledger.summary();
	},

	async cpu_ms() {
		const { user, system } = process.cpuUsage();
		return (user + system) / 1000;
	},
};

/** Buyers that each send one request at a time, on a connection of their own. */
class Buyers {
	#turn: Turn;
	#ledger: MailLedger;
	#random: SeededRandom;
	#run = randomBytes(6).toString("base64url");
	#sent = 0;
	#latencies: number[] = [];
	#result = { done: 0, answers: 0, orders: 0, failed: {} as Record<string, number> };

	constructor(turn: Turn, ledger: MailLedger) {
		this.#turn = turn;
		this.#ledger = ledger;
		this.#random = new SeededRandom(turn.seed);
	}

	async run(): Promise<TurnResult> {
		const { connections, seconds } = this.#turn;
		this.#ledger.begin();
		const started_at = performance.now();
		const end = started_at + seconds * 1000;
		let isOver = !this.#turn.isPolling;
		const poll = () => isOver || setImmediate(poll);
		poll();
		try {
			await Promise.all(Array.from({ length: connections }, (_, buyer) => this.#buy(buyer, end)));
		} finally {
			isOver = true;
		}
		const elapsed_ms = performance.now() - started_at;
		this.#ledger.end();
		return {
			...this.#result,
			elapsed_ms,
			p50_ms: percentile(this.#latencies, 0.5),
			p99_ms: percentile(this.#latencies, 0.99),
		};
	}

	async #buy(buyer: number, end: number): Promise<void> {
		const { address, isNat, seed } = this.#turn;
		const connection = new HttpConnection(address, isNat ? undefined : clientAddress(seed, buyer));
		while (performance.now() < end) {
			if (this.#turn.isPaced && !(await this.#isPaced(end))) {
				break;
			}
			const started_at = performance.now();
			if (await this.#do(this.#step(), connection)) {
				this.#result.done++;
				this.#latencies.push(performance.now() - started_at);
			}
		}
		connection.close();
	}

	/** Waits until the mails have caught up. Returns false if the turn ended first. */
	async #isPaced(end: number): Promise<boolean> {
		const { connections } = this.#turn;
		while (this.#ledger.outstanding > Math.max(2 * connections, PACE_SECONDS * this.#ledger.lastSecond())) {
			if (performance.now() > end) {
				return false;
			}
			await wait(PACE_POLL_MS);
		}
		return true;
	}

	#step(): Step {
		const { steps } = this.#turn;
		let rest = steps.length === 1 ? 0 : this.#random.next();
		for (const [step, share] of steps) {
			if (rest < share) {
				return step;
			}
			rest -= share;
		}
		return steps[0]?.[0] as Step;
	}

	/** Returns whether the response was the expected one. */
	async #do(step: Step, connection: HttpConnection): Promise<boolean> {
		const { products, hot_product, sold_out_product, customers } = this.#turn;
		switch (step) {
			case "product":
				return this.#get(step, connection, `/api/v1/products/${this.#random.pick(products)}`);
			case "list": {
				const skip = PAGE_LENGTH * this.#random.between(0, PAGES - 1);
				const query = `category=${CATEGORY}&limit=${PAGE_LENGTH}&skip=${skip}`;
				return this.#get(step, connection, `/api/v1/products?${query}`);
			}
			case "login": {
				const { email } = this.#random.pick(customers);
				const body = JSON.stringify({ email, password: PASSWORD });
				const response = await connection.request(this.#post("/api/v1/users/login", body));
				return this.#check(step, response, 200);
			}
			case "order":
				return (await this.#order(step, connection, this.#next(products))) !== undefined;
			case "hot order":
				return (await this.#order(step, connection, hot_product)) !== undefined;
			case "sold-out order": {
				const response = await connection.request(this.#orderRequest(sold_out_product));
				return this.#check(step, response, 409, "OUT_OF_STOCK");
			}
			case "paid order":
				return this.#paidOrder(step, connection);
		}
	}

	async #get(step: Step, connection: HttpConnection, path: string): Promise<boolean> {
		const response = await connection.request(requestText("GET", path));
		return this.#check(step, response, 200);
	}

	/** Returns the id and number of the new order, if it was placed. */
	async #order(step: Step, connection: HttpConnection, product: string, token = this.#token()) {
		const response = await connection.request(this.#orderRequest(product, token));
		if (!this.#check(step, response, 201)) {
			return undefined;
		}
		this.#result.orders++;
		const { id, number } = JSON.parse(response.body.toString()) as { id: string; number: string };
		this.#ledger.expect(`#${number}`, this.#turn.mails.order);
		return { id, number };
	}

	async #paidOrder(step: Step, connection: HttpConnection): Promise<boolean> {
		const token = this.#token();
		const order = await this.#order(step, connection, this.#next(this.#turn.products), token);
		if (!order) {
			return false;
		}
		const response = await connection.request(this.#post(`/api/v1/orders/${order.id}/pay`, "{}", token));
		if (!this.#check("payment", response, 200)) {
			return false;
		}
		this.#ledger.expect(`#${order.number}`, this.#turn.mails.payment, true);
		return true;
	}

	#orderRequest(product: string, token = this.#token()): string {
		const { order_terms = { shipping_address: ADDRESS }, voucher_codes = [] } = this.#turn;
		const number = this.#sent++;
		const voucher_code = voucher_codes[number % voucher_codes.length];
		const body = JSON.stringify({
			...{ items: [{ product_id: product, quantity: 1 }], ...order_terms, voucher_code },
		});
		return this.#post("/api/v1/orders", body, token, `${this.#run}-${number}`);
	}

	#post(path: string, body: string, token?: string, key?: string): string {
		return requestText("POST", path, { body, token, key });
	}

	#check(what: string, response: HttpResponse, status: number, code?: string): boolean {
		this.#result.answers++;
		if (response.status === status && (code === undefined || response.body.includes(code))) {
			return true;
		}
		const name = `${what} ${response.status} ${codeOf(response)}`.trim();
		this.#result.failed[name] = (this.#result.failed[name] ?? 0) + 1;
		return false;
	}

	#next(products: string[]): string {
		return products[this.#sent % products.length] as string;
	}

	#token(): string {
		return this.#random.pick(this.#turn.customers).token;
	}
}

/**
 * Returns an address that no other buyer has, nor had in the last 250 turns: a shop may treat a client that has just
 * bought something differently. Only Linux accepts all of 127.0.0.0/8.
 */
function clientAddress(turn: number, buyer: number): string | undefined {
	return process.platform === "linux"
		? `127.${1 + (turn % 250)}.${Math.floor(buyer / 250)}.${1 + (buyer % 250)}`
		: undefined;
}

process.on("message", ({ id, name, argument }: { id: number; name: keyof Commands; argument: never }) => {
	commands[name](argument).then(
		(result) => process.send?.({ id, result }),
		(error: Error) => process.send?.({ id, error: error.stack ?? String(error) }),
	);
});
process.once("disconnect", () => process.exit());
