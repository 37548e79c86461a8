import { randomUUID } from "node:crypto";
import { setTimeout as wait } from "node:timers/promises";
import type { SeededRandom } from "../seeded-random.ts";

const ANSWER_MS = 20_000;

/** Observations of all clients, for the report. */
export class Observations {
	/** Number of responses by kind, such as `POST /orders 201`. */
	answers = new Map<string, number>();
	/** Responses that no client may ever get. */
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

/**
 * A client that follows good practice: it retries a request that may have failed, with its key, until it gets a
 * response.
 */
export class Client {
	#addresses: string[];
	#observations: Observations;
	#chance: SeededRandom;
	/** Deadline after which it sends nothing, even for open requests. */
	gives_up_at = Number.POSITIVE_INFINITY;

	constructor(addresses: string[], observations: Observations, chance: SeededRandom) {
		this.#addresses = addresses;
		this.#observations = observations;
		this.#chance = chance;
	}

	/** Sends a request until it gets a response below 500. Returns undefined if the deadline passes first. */
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
