import { setTimeout as wait } from "node:timers/promises";
import type { ServiceBroker } from "moleculer";
import { type KV, type NatsConnection, NatsError } from "nats";
import { settings } from "../config/settings.ts";
import { repeatedFailure } from "../errors/repeated-failure.ts";
import { JETSTREAM_CONNECTED, natsOf } from "../nats/client.ts";

/** Name under which a store records its own id. */
export const STORE_ID = "STORE_ID";

/** Time limit for a JetStream request. */
const TIMEOUT_MS = 5000;
/** Time that a start waits for JetStream; after this, the process starts and compares its store later. */
const START_MS = 10_000;
const RETRY_MS = 1000;
const WRONG_LAST_SEQUENCE = 10_071;
const STREAM_NAME_IN_USE = 10_058;

/** A store of the shop's data, as one process sees it. */
export interface Store {
	/** Name of the data, such as `orders`. */
	name: string;
	/** Location without a password. */
	where: string;
	/** Environment variable that determines the location. */
	variable: "POSTGRES_URL" | "MONGO_URL" | "TOKO_DIR";
	/** Id of the store, created with it and copied with it. */
	readId(): Promise<string>;
}

/** Id of a store, with its location for the process that started last. */
export interface Entry {
	id: string;
	where: string;
}

/**
 * Opens the registry of the shop's stores by name, a JetStream bucket that all processes share. The first process
 * enters the id of its store; a process whose store has a different id has different data.
 */
export async function openStoreEntries(nats: NatsConnection) {
	const name = `${settings.namespace}_stores`;
	const { views } = nats.jetstream({ timeout: TIMEOUT_MS });
	const bucket: KV = await views
		.kv(name, { replicas: settings.eventReplicas, timeout: TIMEOUT_MS })
		.catch((error) => {
			// The bucket exists with the settings of another EVENT_REPLICAS.
			if (codeOf(error) !== STREAM_NAME_IN_USE) {
				throw error;
			}
			return views.kv(name, { bindOnly: true, timeout: TIMEOUT_MS });
		});
	const read = async (store: string): Promise<Entry | undefined> => {
		const entry = await bucket.get(store);
		return entry?.operation === "PUT" ? entry.json<Entry>() : undefined;
	};
	return {
		read,
		/** Enters a store unless it has an entry; of concurrent calls one wins. Returns the entry. */
		async enter(store: string, own: Entry): Promise<Entry> {
			const found = await read(store);
			if (found) {
				return found;
			}
			try {
				await bucket.create(store, JSON.stringify(own));
				return own;
			} catch (error) {
				if (codeOf(error) !== WRONG_LAST_SEQUENCE) {
					throw error;
				}
				return (await read(store)) ?? own;
			}
		},
		async replace(store: string, own: Entry): Promise<void> {
			await bucket.put(store, JSON.stringify(own));
		},
	};
}

function codeOf(error: unknown): number | undefined {
	return error instanceof NatsError ? error.api_error?.err_code : undefined;
}

/** Returns the message that rejects a store; undefined if the store is the shop's. */
export function refusalOf(
	{ name, variable }: Pick<Store, "name" | "variable">,
	own: Entry,
	entry: Entry,
): string | undefined {
	return own.id === entry.id
		? undefined
		: `${name} of this process is ${own.where} (store ${short(own.id)}), but the shop uses ${entry.where} (store ${short(entry.id)}): set ${variable} as in the other processes; if the shop's store is lost permanently, continue with this one by npm run audit -- --accept-restore`;
}

function short(id: string): string {
	return id.slice(0, 8);
}

/** Observer of one store of a process. */
export interface Watch {
	/** Compares again, for example after a lost connection to the store. */
	recheck(): Promise<void>;
	stop(): Promise<void>;
}

/**
 * Ensures that a process uses the same store as all others of its shop. Compares at the start, and after each lost
 * connection to NATS or to the store, which may be a different one since.
 *
 * @throws Error of one line that names both stores and the remedy.
 */
export async function watchStore(broker: ServiceBroker, store: Store): Promise<Watch> {
	let stopped = false;
	let running: Promise<unknown> | undefined;

	const refusal = async (): Promise<string | undefined> => {
		const nats = natsOf(broker);
		if (!nats) {
			return undefined;
		}
		const own = { id: await store.readId(), where: store.where };
		const entries = await openStoreEntries(nats);
		const entry = await entries.enter(store.name, own);
		if (entry.id === own.id && entry.where !== own.where) {
			// The store was moved, or has another name for this process.
			await entries.replace(store.name, own);
		}
		return refusalOf(store, own, entry);
	};
	const compare = async (until: number): Promise<string | undefined> => {
		const failure = repeatedFailure((message) => {
			broker.logger.warn(
				`Could not compare the store of ${store.name} with the shop's, retrying: ${message}`,
			);
		});
		for (;;) {
			try {
				return await refusal();
			} catch (error) {
				if (stopped || performance.now() > until) {
					throw error;
				}
				failure.failed(error);
				await wait(RETRY_MS, undefined, { ref: false });
			}
		}
	};
	const recheck = async () => {
		if (running || stopped) {
			return;
		}
		const comparing = compare(Number.POSITIVE_INFINITY).catch(() => undefined);
		running = comparing;
		const mismatch = await comparing;
		running = undefined;
		if (mismatch && !stopped) {
			broker.fatal(mismatch, undefined, true);
		}
	};

	const mismatch = await compare(performance.now() + START_MS).catch(() => {
		void recheck();
		return undefined;
	});
	if (mismatch) {
		throw new Error(mismatch);
	}
	broker.localBus.on(JETSTREAM_CONNECTED, recheck);
	return {
		recheck,
		async stop() {
			stopped = true;
			broker.localBus.off(JETSTREAM_CONNECTED, recheck);
			// Over a lost connection, waiting would take longer than a shutdown may.
			await Promise.race([running, wait(RETRY_MS, undefined, { ref: false })]);
		},
	};
}
