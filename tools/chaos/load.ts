import { randomUUID } from "node:crypto";
import { setTimeout as wait } from "node:timers/promises";

/** Outcome of one request. */
export interface Sample {
	what: "read" | "order" | "look";
	/** Times on the clock of `performance`. */
	sent_at: number;
	answered_at: number;
	/** HTTP status; 0 without a response. */
	status: number;
	/** Problem code of a failure, or the reason for the missing response. */
	code: string | undefined;
}

const READY_EVERY_MS = 100;
const TIMEOUT_MS = 20_000;

/**
 * Sends requests at a steady rate, independent of their outcome. It distributes them like a load balancer: only to
 * gateways that report readiness, if there is one, and to another gateway if a connection is refused. It retries
 * nothing else.
 */
export class Load {
	samples: Sample[] = [];
	/** Ids of the orders with response 201. */
	accepted: string[] = [];
	#gateways: { address: string; isReady: boolean }[];
	#products: string[];
	#tokens: string[];
	#terms: readonly object[];
	#isOver = false;
	#turn = 0;
	#pending = new Set<Promise<void>>();
	#loops: Promise<void>[] = [];

	/** @param terms Fields that orders have in turn besides their items. */
	constructor(addresses: string[], products: string[], tokens: string[], terms: readonly object[]) {
		this.#gateways = addresses.map((address) => ({ address, isReady: true }));
		this.#products = products;
		this.#tokens = tokens;
		this.#terms = terms;
	}

	/**
	 * @param per_second Requests per second: of twenty, eighteen read a product, one places an order and one reads an
	 * order.
	 */
	start(per_second: number): void {
		this.#loops = [this.#send(per_second), ...this.#gateways.map((gateway) => this.#pollReadiness(gateway))];
	}

	/** Stops the load and waits for the last responses. */
	async stop(): Promise<void> {
		this.#isOver = true;
		await Promise.all(this.#loops);
		await Promise.all(this.#pending);
	}

	/** Returns the requests sent between two times. Complete only after the load has stopped. */
	between(from: number, to: number): Sample[] {
		return this.samples.filter(({ sent_at }) => sent_at >= from && sent_at < to);
	}

	async #send(per_second: number): Promise<void> {
		const started_at = performance.now();
		for (let number = 0; !this.#isOver; number++) {
			await wait(Math.max(0, started_at + (1000 * number) / per_second - performance.now()));
			const work = this.#sendOne(number).finally(() => this.#pending.delete(work));
			this.#pending.add(work);
		}
	}

	async #sendOne(number: number): Promise<void> {
		const product = this.#products[number % this.#products.length] as string;
		const token = this.#tokens[number % this.#tokens.length] as string;
		const known = this.accepted.at(-1);
		if (number % 20 < 18) {
			await this.#request("read", `/products/${product}`, {});
		} else if (number % 20 < 19 || !known) {
			const terms = this.#terms[Math.floor(number / 20) % this.#terms.length];
			const body = JSON.stringify({ items: [{ product_id: product, quantity: 1 }], ...terms });
			const headers = {
				"content-type": "application/json",
				authorization: `Bearer ${token}`,
				"idempotency-key": randomUUID(),
			};
			const result = await this.#request("order", "/orders", { method: "POST", headers, body });
			if (result?.status === 201) {
				this.accepted.push((result.body as { id: string }).id);
			}
		} else {
			// As the owner of the order: to others it is 404.
			const headers = { authorization: `Bearer ${token}` };
			await this.#request("look", "/orders?limit=1", { headers });
		}
	}

	async #request(what: Sample["what"], path: string, options: RequestInit) {
		const sent_at = performance.now();
		let result: { status: number; body: unknown } | undefined;
		let code: string | undefined;
		const refused: string[] = [];
		for (let attempt = 0; attempt < this.#gateways.length; attempt++) {
			const gateway = this.#next(refused);
			try {
				const response = await fetch(`${gateway}/api/v1${path}`, {
					...options,
					signal: AbortSignal.timeout(TIMEOUT_MS),
				});
				const body = await response.json();
				result = { status: response.status, body };
				code = response.ok ? undefined : (body as { code?: string }).code;
				break;
			} catch (error) {
				code = reasonOf(error);
				if (!isRefused(error)) {
					break;
				}
				refused.push(gateway);
			}
		}
		const status = result?.status ?? 0;
		this.samples.push({ what, sent_at, answered_at: performance.now(), status, code });
		return result;
	}

	#next(refused: string[]): string {
		const others = this.#gateways.filter(({ address }) => !refused.includes(address));
		const ready = others.filter(({ isReady }) => isReady);
		const choice = ready.length > 0 ? ready : others;
		this.#turn++;
		return (choice[this.#turn % choice.length] as { address: string }).address;
	}

	async #pollReadiness(gateway: { address: string; isReady: boolean }): Promise<void> {
		while (!this.#isOver) {
			gateway.isReady = await fetch(`${gateway.address}/health/ready`, {
				signal: AbortSignal.timeout(2000),
			})
				.then(async (response) => {
					const { services } = (await response.json()) as { services: Record<string, string> };
					// A gateway stays in use while another service is unavailable.
					return response.ok || services.api !== "stopping";
				})
				.catch(() => false);
			await wait(READY_EVERY_MS);
		}
	}
}

/** Tells whether the connection was refused, so that the request was never sent. */
function isRefused(error: unknown): boolean {
	return reasonOf(error) === "ECONNREFUSED";
}

function reasonOf(error: unknown): string {
	const { name, cause } = error as { name: string; cause?: { code?: string } };
	return cause?.code ?? name;
}

/** Tells whether a response is one of a healthy shop. */
export function isGood({ status }: Sample): boolean {
	return status === 200 || status === 201;
}
