import { randomUUID } from "node:crypto";
import { setTimeout as wait } from "node:timers/promises";
import type { SeededRandom } from "../seeded-random.ts";

const TIMEOUT_MS = 20_000;

/** Observations of all clients, for the report. */
export class Observations {
	/** Number of responses by kind, such as `POST /orders 201`. */
	responses = new Map<string, number>();
	/** Responses that no client may ever get. */
	violations: string[] = [];

	count(what: string): void {
		this.responses.set(what, (this.responses.get(what) ?? 0) + 1);
	}
}

export interface ClientResponse {
	status: number;
	// biome-ignore lint/suspicious/noExplicitAny: as a client sees it
	body: any;
}

interface RequestOptions {
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
	#random: SeededRandom;
	/** Deadline after which it sends nothing, even for open requests. */
	gives_up_at = Number.POSITIVE_INFINITY;

	constructor(addresses: string[], observations: Observations, random: SeededRandom) {
		this.#addresses = addresses;
		this.#observations = observations;
		this.#random = random;
	}

	/** Sends a request until it gets a response below 500. Returns undefined if the deadline passes first. */
	async send(
		method: string,
		path: string,
		options: RequestOptions = {},
	): Promise<ClientResponse | undefined> {
		const key: RequestOptions["headers"] = method === "GET" ? {} : { "idempotency-key": randomUUID() };
		const keyed = { ...options, headers: { ...key, ...options.headers } };
		for (let attempt = 0; Date.now() < this.gives_up_at; attempt++) {
			const response = await this.#try(method, path, keyed);
			if (response && response.status < 500) {
				return response;
			}
			await wait(this.#random.between(100, 400) * Math.min(attempt + 1, 5));
		}
		return undefined;
	}

	async #try(
		method: string,
		path: string,
		{ body, token, headers }: RequestOptions,
	): Promise<ClientResponse | undefined> {
		const route = path.replace(/\?.*/, "").replace(/[0-9a-f]{8}-[0-9a-f-]{27}|[0-9a-f]{24}/g, "{id}");
		try {
			const response = await fetch(`${this.#random.pick(this.#addresses)}/api/v1${path}`, {
				method,
				headers: {
					...(body === undefined ? {} : { "content-type": "application/json" }),
					...(token ? { authorization: `Bearer ${token}` } : {}),
					...headers,
				},
				...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
				signal: AbortSignal.timeout(TIMEOUT_MS),
			});
			const text = await response.text();
			this.#observations.count(`${method} ${route} ${response.status}`);
			if (response.status >= 500 && response.status !== 503 && response.status !== 504) {
				this.#observations.violations.push(`${method} ${path} returned ${response.status}: ${text}`);
			}
			return { status: response.status, body: text === "" ? undefined : JSON.parse(text) };
		} catch {
			this.#observations.count("no response");
			return undefined;
		}
	}
}
