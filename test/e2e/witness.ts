import { setTimeout as wait } from "node:timers/promises";

/** Longer than the deadline of any response. */
const HANGS_MS = 40_000;
const PATIENCE_MS = 240_000;
const BETWEEN_MS = 60;

/** A response as received by a client. */
export interface Answer {
	/** Kind of request, such as `GET product` or `POST order`. */
	what: string;
	at: number;
	ms: number;
	status: number;
	retry_after: string | null;
	age: string | null;
	code: string | undefined;
	// biome-ignore lint/suspicious/noExplicitAny: as a client sees it
	body: any;
}

interface Sending {
	token?: string;
	key?: string;
	body?: unknown;
	/** Address of the client. */
	client?: string;
}

/** A client that repeatedly reads a product, places an order and reads its order, and records every response. */
export class Witness {
	answers: Answer[] = [];
	/** Ids of all orders returned for each key. */
	orders = new Map<string, Set<string>>();
	#address: string;
	#token: string;
	readonly product: string;
	#isOver = false;
	#open: { key: string } | undefined;
	#known: string | undefined;

	constructor(address: string, token: string, product: string) {
		this.#address = address;
		this.#token = token;
		this.product = product;
	}

	/** Sends a request. A timeout counts as status 0. */
	async ask(what: string, method: string, path: string, sending: Sending = {}): Promise<Answer> {
		const { token, key, body, client = "127.0.0.1" } = sending;
		const at = Date.now();
		const answer = await fetch(`${this.#address}${path}`, {
			method,
			headers: {
				"x-forwarded-for": client,
				...(body === undefined ? {} : { "content-type": "application/json" }),
				...(token ? { authorization: `Bearer ${token}` } : {}),
				...(key ? { "idempotency-key": key.replace(/\W+/g, "-") } : {}),
			},
			...(body === undefined ? {} : { body: JSON.stringify(body) }),
			signal: AbortSignal.timeout(HANGS_MS),
		}).then(
			async (response) => ({
				status: response.status,
				retry_after: response.headers.get("retry-after"),
				age: response.headers.get("age"),
				body: JSON.parse(await response.text()),
			}),
			(error: Error) => ({ status: 0, retry_after: null, age: null, body: { code: error.message } }),
		);
		const found = { what, at, ms: Date.now() - at, code: answer.body.code, ...answer };
		this.answers.push(found);
		return found;
	}

	/** Orders one unit. Retries with the same key until there is a response. */
	async order(key: string): Promise<Answer> {
		const deadline = Date.now() + PATIENCE_MS;
		for (;;) {
			const answer = await this.#place(key);
			if (answer.status < 500 && answer.status > 0) {
				return answer;
			}
			if (Date.now() > deadline) {
				throw new Error(`no order after ${PATIENCE_MS} ms: ${JSON.stringify(answer)}`);
			}
			await wait(200);
		}
	}

	/** Repeats all requests concurrently while a function runs, so that a slow one delays no other. */
	async during<T>(name: string, happening: () => Promise<T>): Promise<T> {
		this.#isOver = false;
		const loops = [
			// A client that has written nothing: to others, stale responses are not served (middlewares/response-cache.ts).
			this.#repeat(() =>
				this.ask("GET product", "GET", `/api/v1/products/${this.product}`, { client: "192.0.2.7" }),
			),
			this.#repeat(() => this.#goOn(name)),
			this.#repeat(async () => {
				if (this.#known) {
					await this.ask("GET order", "GET", `/api/v1/orders/${this.#known}`, { token: this.#token });
				}
			}),
		];
		try {
			return await happening();
		} finally {
			this.#isOver = true;
			await Promise.all(loops);
			if (this.#open) {
				await this.order(this.#open.key);
				this.#open = undefined;
			}
		}
	}

	/** Returns a line for each kind of response, with its count and longest time. */
	summary(answers: Answer[]): string[] {
		const kinds = new Map<string, { times: number; longest_ms: number }>();
		for (const { what, status, code, age, ms } of answers) {
			const kind = `${what} ${status}${code ? ` ${code}` : ""}${age === null ? "" : " with Age"}`;
			const { times, longest_ms } = kinds.get(kind) ?? { times: 0, longest_ms: 0 };
			kinds.set(kind, { times: times + 1, longest_ms: Math.max(longest_ms, ms) });
		}
		return [...kinds]
			.sort()
			.map(([kind, { times, longest_ms }]) => `${times} × ${kind} (≤ ${longest_ms} ms)`);
	}

	async #repeat(act: () => Promise<unknown>): Promise<void> {
		while (!this.#isOver) {
			await act();
			await wait(BETWEEN_MS);
		}
	}

	async #goOn(name: string): Promise<void> {
		this.#open ??= { key: `${name}-${this.orders.size}-${this.answers.length}` };
		const answer = await this.#place(this.#open.key);
		if (answer.status === 201) {
			this.#open = undefined;
		}
	}

	async #place(key: string): Promise<Answer> {
		const body = { items: [{ product_id: this.product, quantity: 1 }] };
		const answer = await this.ask("POST order", "POST", "/api/v1/orders", { token: this.#token, key, body });
		if (answer.status === 201) {
			this.#known = answer.body.id;
			this.orders.set(key, (this.orders.get(key) ?? new Set()).add(answer.body.id));
		}
		return answer;
	}
}

/**
 * Returns the responses that no client may get, whatever fails: anything but success or a timely, well-formed refusal.
 */
export function violations(answers: Answer[], longest_ms: number): string[] {
	return answers
		.filter(({ what, status, retry_after, ms }) => {
			const isGood = status === (what.startsWith("POST order") ? 201 : 200);
			const isHonest = (status === 503 && retry_after !== null) || status === 504;
			return !(isGood || isHonest) || ms > longest_ms;
		})
		.map(({ what, status, code, ms }) => `${what} ${status} ${code ?? ""} after ${ms} ms`);
}
