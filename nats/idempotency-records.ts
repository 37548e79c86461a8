import { createCipheriv, createDecipheriv, randomBytes, randomUUID } from "node:crypto";
import type { ServiceBroker } from "moleculer";
import { ErrorCode, type KV, type NatsConnection, NatsError } from "nats";
import { deriveKey, settings } from "../config/settings.ts";
import { listen, natsOf, onConnectionGap } from "./client.ts";

/** Time to live of a record after its last write. */
const TTL_MS = 24 * 60 * 60_000;
/** Time limit for a JetStream request; after a failure JetStream is not used for the cooldown. */
const TIMEOUT_MS = 1000;
const COOLDOWN_MS = 3000;
/** Lease of a request, longer than the deadline of any action with a key: after it, the owner is frozen or cut off. */
const LEASE_MS = 30_000;
const ALIVE_MS = 300;
/** Code of JetStream for a record that another process has written meanwhile. */
const WRONG_LAST_SEQUENCE = 10071;

/** Record of a request: its id, the process that owns it and, once it is done, its response. */
export interface IdempotencyRecord {
	id: string;
	life: string;
	answer?: unknown;
}

/** A stored record; `record` is undefined if this shop cannot decrypt it. */
export interface FoundRecord {
	record: IdempotencyRecord | undefined;
	revision: number;
	written_at: Date;
}

/** Owner of an abandoned record: the life of no process. */
export const NO_OWNER = "nobody";

/** Error while JetStream is unavailable or full. The caller proceeds without records. */
export class RecordsUnavailable extends Error {}

/**
 * Records of requests with an `Idempotency-Key` for all services, encrypted, in a JetStream bucket. They only make a
 * repeated request return the first response: effects are protected against repetition where they happen.
 */
export class IdempotencyRecords {
	/** Identifies this process for its lifetime. */
	readonly life = randomUUID();
	#broker: ServiceBroker;
	#bucket: { nats: NatsConnection; opening: Promise<KV> } | undefined;
	#cooldownUntil = 0;
	#key: Buffer | undefined;

	/** Must be called before the broker starts. */
	constructor(broker: ServiceBroker) {
		this.#broker = broker;
		listen(broker, this.#subjectOf(this.life), (message) => void message.respond());
		// The server may come back without its data.
		onConnectionGap(broker, () => {
			this.#bucket = undefined;
			this.#cooldownUntil = 0;
		});
	}

	/** Creates a record and returns its revision; undefined if there is one. */
	create(name: string, record: IdempotencyRecord): Promise<number | undefined> {
		return this.#use((bucket) => bucket.create(name, this.#seal(name, record)).catch(undefinedIfWritten));
	}

	/** Replaces the record of a revision and returns the new revision; undefined if there is a newer one. */
	replace(name: string, record: IdempotencyRecord, revision: number): Promise<number | undefined> {
		return this.#use((bucket) =>
			bucket.update(name, this.#seal(name, record), revision).catch(undefinedIfWritten),
		);
	}

	async read(name: string): Promise<FoundRecord | undefined> {
		const entry = await this.#use((bucket) => bucket.get(name));
		if (entry?.operation !== "PUT") {
			return undefined;
		}
		return {
			record: this.#unseal(name, entry.value),
			revision: entry.revision,
			written_at: entry.created,
		};
	}

	/** Reports whether the process that owns a request will not finish it. */
	async isAbandoned({ record, written_at }: FoundRecord): Promise<boolean> {
		if (record === undefined || Date.now() - written_at.getTime() > LEASE_MS) {
			return true;
		}
		if (record.life === this.life) {
			return false;
		}
		try {
			await natsOf(this.#broker)?.request(this.#subjectOf(record.life), undefined, { timeout: ALIVE_MS });
			return false;
		} catch (error) {
			// Any other error is a missing response, for which the lease decides.
			return (error as NatsError).code === ErrorCode.NoResponders;
		}
	}

	async #use<T>(work: (bucket: KV) => Promise<T>): Promise<T> {
		const nats = natsOf(this.#broker);
		if (!nats || nats.isClosed() || performance.now() < this.#cooldownUntil) {
			throw new RecordsUnavailable();
		}
		if (this.#bucket?.nats !== nats) {
			this.#bucket = { nats, opening: openBucket(nats) };
		}
		try {
			return await work(await this.#bucket.opening);
		} catch (error) {
			this.#bucket = undefined;
			// Calls in flight fail together and are logged once.
			if (performance.now() >= this.#cooldownUntil) {
				this.#broker.logger.warn(
					`Responses are currently not stored under their Idempotency-Key: ${(error as Error).message}`,
				);
			}
			this.#cooldownUntil = performance.now() + COOLDOWN_MS;
			throw new RecordsUnavailable((error as Error).message, { cause: error });
		}
	}

	/**
	 * Encrypts by AES-256-GCM with a random nonce. The name is authenticated, so that no record can take another one's
	 * place.
	 */
	#seal(name: string, record: IdempotencyRecord): Uint8Array {
		const nonce = randomBytes(12);
		const cipher = createCipheriv("aes-256-gcm", this.#ownKey(), nonce).setAAD(Buffer.from(name));
		const sealed = Buffer.concat([cipher.update(JSON.stringify(record), "utf8"), cipher.final()]);
		return Buffer.concat([nonce, cipher.getAuthTag(), sealed]);
	}

	#unseal(name: string, bytes: Uint8Array): IdempotencyRecord | undefined {
		try {
			const decipher = createDecipheriv("aes-256-gcm", this.#ownKey(), bytes.subarray(0, 12))
				.setAAD(Buffer.from(name))
				.setAuthTag(bytes.subarray(12, 28));
			const text = Buffer.concat([decipher.update(bytes.subarray(28)), decipher.final()]).toString("utf8");
			return JSON.parse(text) as IdempotencyRecord;
		} catch {
			return undefined;
		}
	}

	#ownKey(): Buffer {
		this.#key ??= deriveKey("answers under an Idempotency-Key");
		return this.#key;
	}

	#subjectOf(life: string): string {
		return `${this.#broker.namespace}.lives.${life}`;
	}
}

/** Returns the name of the bucket with the records of a shop. */
export function bucketName(): string {
	return `${settings.namespace}_keys`;
}

function openBucket(nats: NatsConnection): Promise<KV> {
	const options = { ttl: TTL_MS, replicas: settings.eventReplicas, timeout: TIMEOUT_MS };
	return nats.jetstream({ timeout: TIMEOUT_MS }).views.kv(bucketName(), options);
}

function undefinedIfWritten(error: unknown): undefined {
	if (error instanceof NatsError && error.api_error?.err_code === WRONG_LAST_SEQUENCE) {
		return undefined;
	}
	throw error;
}
