import { randomUUID } from "node:crypto";
import { setTimeout as wait } from "node:timers/promises";
import type { SeededRandom } from "../seeded-random.ts";

const ANSWER_MS = 20_000;

/** What all clients saw, for the report. */
export class Observations {
	/** `POST /orders 201` → how often. */
	answers = new Map<string, number>();
	/** What no client may ever see. */
	violations: string[] = [];

	count(what: string): void {
		this.answers.set(what, (this.answers.get(what) ?? 0) + 1);
	}
}

export interface Answer {
	status: number;
	// biome-ignore lint/suspicious/noExplicitAny: as a client sees it
	body: any;
}

export interface Sending {
	body?: unknown;
	token?: string;
	headers?: Record<string, string>;
}

/** A client as a careful developer writes one: what may have failed is sent again, with its key, until there is an answer. */
export class Client {
	#addresses: string[];
	#observations: Observations;
	#chance: SeededRandom;
	/** After this moment it asks no more, whatever is still open. */
	gives_up_at = Number.POSITIVE_INFINITY;

	constructor(addresses: string[], observations: Observations, chance: SeededRandom) {
		this.#addresses = addresses;
		this.#observations = observations;
		this.#chance = chance;
	}

	/** The first answer that is one; undefined where there was none before it gave up. */
	async send(method: string, path: string, sending: Sending = {}): Promise<Answer | undefined> {
		const key: Sending["headers"] = method === "GET" ? {} : { "idempotency-key": randomUUID() };
		const keyed = { ...sending, headers: { ...key, ...sending.headers } };
		for (let attempt = 0; Date.now() < this.gives_up_at; attempt++) {
			const answer = await this.#try(method, path, keyed);
			if (answer && answer.status < 500) {
				return answer;
			}
			await wait(this.#chance.between(100, 400) * Math.min(attempt + 1, 5));
		}
		return undefined;
	}

	async #try(method: string, path: string, { body, token, headers }: Sending): Promise<Answer | undefined> {
		const route = path.replace(/\?.*/, "").replace(/[0-9a-f]{8}-[0-9a-f-]{27}|[0-9a-f]{24}/g, "{id}");
		try {
			const response = await fetch(`${this.#chance.pick(this.#addresses)}/api/v1${path}`, {
				method,
				headers: {
					...(body === undefined ? {} : { "content-type": "application/json" }),
					...(token ? { authorization: `Bearer ${token}` } : {}),
					...headers,
				},
				...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
				signal: AbortSignal.timeout(ANSWER_MS),
			});
			const text = await response.text();
			this.#observations.count(`${method} ${route} ${response.status}`);
			if (response.status >= 500 && response.status !== 503 && response.status !== 504) {
				this.#observations.violations.push(`${method} ${path} was answered ${response.status}: ${text}`);
			}
			return { status: response.status, body: text === "" ? undefined : JSON.parse(text) };
		} catch {
			this.#observations.count("no answer");
			return undefined;
		}
	}
}
