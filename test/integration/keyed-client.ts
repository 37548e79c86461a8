import { randomUUID } from "node:crypto";
import type { ServiceBroker } from "moleculer";
import { natsOf } from "../../nats/client.ts";
import { bucketName } from "../../nats/idempotency-records.ts";
import { eventually, type Person } from "./shop.ts";

export interface Sent {
	status: number;
	body: Record<string, unknown>;
	headers: Headers;
}

interface Given {
	key?: string;
	body?: unknown;
	as?: Person;
	headers?: Record<string, string>;
}

/** Sends requests with an `Idempotency-Key` over REST. */
export class KeyedClient {
	#address: string;

	/** @param address Base URL of the gateway. */
	constructor(address: string) {
		this.#address = `${address}/api/v1`;
	}

	async send(method: string, path: string, { key, body, as, headers }: Given = {}): Promise<Sent> {
		const response = await fetch(`${this.#address}${path}`, {
			method,
			headers: {
				...(body === undefined ? {} : { "content-type": "application/json" }),
				...(key === undefined ? {} : { "idempotency-key": key }),
				...(as ? { authorization: `Bearer ${as.token}` } : {}),
				...headers,
			},
			...(body === undefined ? {} : { body: JSON.stringify(body) }),
		});
		const text = await response.text();
		return { status: response.status, body: text ? JSON.parse(text) : {}, headers: response.headers };
	}

	/** Repeats a request until its outcome is known. Returns the response and the number of attempts. */
	async persist(method: string, path: string, given: Given): Promise<Sent & { tries: number }> {
		let tries = 0;
		return eventually(`an answer to ${method} ${path}`, async () => {
			tries++;
			const sent = await this.send(method, path, given);
			return sent.status === 503 || sent.status === 504 ? undefined : { ...sent, tries };
		});
	}
}

export const newKey = () => randomUUID();

/** Deletes all records of keys, as when JetStream's folder is lost. */
export async function loseRecords(broker: ServiceBroker): Promise<void> {
	await (await natsOf(broker)?.jetstreamManager())?.streams.purge(`KV_${bucketName()}`);
}
