import { createCipheriv, createDecipheriv, randomBytes, randomUUID } from "node:crypto";
import type { ServiceBroker } from "moleculer";
import { ErrorCode, type KV, type NatsConnection, NatsError } from "nats";
import { deriveKey, settings } from "../config/settings.ts";
import { listen, natsOf, onConnectionGap } from "./client.ts";

/** A record is kept for so long after it was last written. */
const KEPT_MS = 24 * 60 * 60_000;
/** Nobody waits longer for JetStream than this; after a failure it is left alone for a while. */
const PATIENCE_MS = 1000;
const COOLDOWN_MS = 3000;
/** A process that is there, but has not finished after this, is frozen or cut off: no action has so long a deadline. */
const LEASE_MS = 30_000;
const ALIVE_MS = 300;
/** JetStream's code for a record that another process has written meanwhile. */
const WRONG_LAST_SEQUENCE = 10071;

/** What is known of a request: which one it is, which process has it and, once it is done, its answer. */
export interface IdempotencyRecord {
	id: string;
	life: string;
	answer?: unknown;
}

/** A record as it was read; without the record where this shop cannot read it. */
export interface FoundRecord {
	record: IdempotencyRecord | undefined;
	revision: number;
	written_at: Date;
}

/** The life of no process: a record that has it is abandoned. */
export const NOBODY = "nobody";

/** JetStream does not answer, or has no room: whoever asked goes on without records. */
export class RecordsUnavailable extends Error {}

/**
 * Records of requests with an `Idempotency-Key` for all services, in a JetStream bucket, encrypted. Nothing depends on
 * them but that a repetition gets the first answer: what is done once is guarded where it is done.
 */
export class IdempotencyRecords {
	/** Names this process, as long as it lives. */
	readonly life = randomUUID();
	#broker: ServiceBroker;
	#bucket: { nats: NatsConnection; opening: Promise<KV> } | undefined;
	#leftAloneUntil = 0;
	#key: Buffer | undefined;

	/** Call it before the broker starts. */
	constructor(broker: ServiceBroker) {
		this.#broker = broker;
		listen(broker, this.#addressOf(this.life), (message) => void message.respond());
		// A server may come back without its data.
		onConnectionGap(broker, () => {
			this.#bucket = undefined;
			this.#leftAloneUntil = 0;
		});
	}

	/** Writes a new record; undefined where there is one. */
	create(name: string, record: IdempotencyRecord): Promise<number | undefined> {
		return this.#use((bucket) => bucket.create(name, this.#seal(name, record)).catch(undefinedWhereWritten));
	}

	/** Replaces the record of a revision; undefined where there is a newer one. */
	replace(name: string, record: IdempotencyRecord, revision: number): Promise<number | undefined> {
		return this.#use((bucket) =>
			bucket.update(name, this.#seal(name, record), revision).catch(undefinedWhereWritten),
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

	/** Whether the process that has a request will not finish it. */
	async isAbandoned({ record, written_at }: FoundRecord): Promise<boolean> {
		if (record === undefined || Date.now() - written_at.getTime() > LEASE_MS) {
			return true;
		}
		if (record.life === this.life) {
			return false;
		}
		try {
			await natsOf(this.#broker)?.request(this.#addressOf(record.life), undefined, { timeout: ALIVE_MS });
			return false;
		} catch (error) {
			// Anything else is no answer in time: its lease decides.
			return (error as NatsError).code === ErrorCode.NoResponders;
		}
	}

	async #use<T>(work: (bucket: KV) => Promise<T>): Promise<T> {
		const nats = natsOf(this.#broker);
		if (!nats || nats.isClosed() || performance.now() < this.#leftAloneUntil) {
			throw new RecordsUnavailable();
		}
		if (this.#bucket?.nats !== nats) {
			this.#bucket = { nats, opening: openBucket(nats) };
		}
		try {
			return await work(await this.#bucket.opening);
		} catch (error) {
			this.#bucket = undefined;
			// Calls that were under way fail together, and are one line.
			if (performance.now() >= this.#leftAloneUntil) {
				this.#broker.logger.warn(
					`Answers are not kept under their Idempotency-Key at the moment: ${(error as Error).message}`,
				);
			}
			this.#leftAloneUntil = performance.now() + COOLDOWN_MS;
			throw new RecordsUnavailable((error as Error).message, { cause: error });
		}
	}

	/** AES-256-GCM with a random nonce; bound to its name, so that no record can take another one's place. */
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

	#addressOf(life: string): string {
		return `${this.#broker.namespace}.lives.${life}`;
	}
}

/** The name of the bucket that keeps the records of a shop. */
export function bucketName(): string {
	return `${settings.namespace}_keys`;
}

function openBucket(nats: NatsConnection): Promise<KV> {
	const options = { ttl: KEPT_MS, replicas: settings.eventReplicas, timeout: PATIENCE_MS };
	return nats.jetstream({ timeout: PATIENCE_MS }).views.kv(bucketName(), options);
}

function undefinedWhereWritten(error: unknown): undefined {
	if (error instanceof NatsError && error.api_error?.err_code === WRONG_LAST_SEQUENCE) {
		return undefined;
	}
	throw error;
}
