import { setTimeout as wait } from "node:timers/promises";

/** Longer than any answer may take. */
const HANGS_MS = 20_000;
const BETWEEN_MS = 60;

/** What a client got. */
export interface Answer {
	/** `GET product`, `POST order` and so on. */
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
	/** Its address. */
	client?: string;
}

/** A client that reads a product, orders and reads its order, over and over, and keeps book of all that it gets. */
export class Witness {
	answers: Answer[] = [];
	/** Every order that a key was answered with. */
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

	/** Sends a request; a hang is status 0. */
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

	/** Orders a unit once; with the same key again until there is an answer. */
	async order(key: string, patience_ms = 30_000): Promise<Answer> {
		const deadline = Date.now() + patience_ms;
		for (;;) {
			const answer = await this.#place(key);
			if (answer.status < 500 && answer.status > 0) {
				return answer;
			}
			if (Date.now() > deadline) {
				throw new Error(`no order after ${patience_ms} ms: ${JSON.stringify(answer)}`);
			}
			await wait(200);
		}
	}

	/** Does the same things again and again while something happens; all at once, so that one that waits holds up none. */
	async during<T>(name: string, happening: () => Promise<T>): Promise<T> {
		this.#isOver = false;
		const loops = [
			// Somebody who has changed nothing: else what is kept from before would not do (middlewares/response-cache.ts).
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

	/** A line for each kind of answer: how often, and the longest. */
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

/** What no client may see, whatever is broken: anything but a good answer or a bounded, honest refusal. */
export function violations(answers: Answer[], longest_ms: number): string[] {
	return answers
		.filter(({ what, status, retry_after, ms }) => {
			const isGood = status === (what.startsWith("POST order") ? 201 : 200);
			const isHonest = (status === 503 && retry_after !== null) || status === 504;
			return !(isGood || isHonest) || ms > longest_ms;
		})
		.map(({ what, status, code, ms }) => `${what} ${status} ${code ?? ""} after ${ms} ms`);
}
