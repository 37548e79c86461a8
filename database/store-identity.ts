import { setTimeout as wait } from "node:timers/promises";
import type { ServiceBroker } from "moleculer";
import { type KV, type NatsConnection, NatsError } from "nats";
import { settings } from "../config/settings.ts";
import { JETSTREAM_CONNECTED } from "../events/stream.ts";
import { natsOf } from "../nats/client.ts";

/** The name under which a store notes its own id. */
export const STORE_ID = "STORE_ID";

/** How long JetStream may take. */
const PATIENCE_MS = 5000;
/** A start waits so long for JetStream; then it goes on, and compares later. */
const START_MS = 10_000;
const AGAIN_MS = 1000;
const WRONG_LAST_SEQUENCE = 10_071;
const STREAM_NAME_IN_USE = 10_058;

/** A store of the shop's data, as a process has it. */
export interface Store {
	/** The data that it keeps: `orders`. */
	name: string;
	/** Where it is, without a password. */
	where: string;
	/** The variable that says so. */
	variable: "POSTGRES_URL" | "MONGO_URL" | "TOKO_DIR";
	/** Its id, which was made with it and is copied with it. */
	readId(): Promise<string>;
}

/** An id, and where the store was when it was entered. */
export interface Entry {
	id: string;
	where: string;
}

/**
 * The stores of a shop by their names, where all its processes meet: a JetStream bucket. The first process enters the id
 * of its store; a process whose store has another one has other data.
 */
export async function openStoreEntries(nats: NatsConnection) {
	const name = `${settings.namespace}_stores`;
	const { views } = nats.jetstream({ timeout: PATIENCE_MS });
	const bucket: KV = await views
		.kv(name, { replicas: settings.eventReplicas, timeout: PATIENCE_MS })
		.catch((error) => {
			// It is there with settings of another EVENT_REPLICAS.
			if (codeOf(error) !== STREAM_NAME_IN_USE) {
				throw error;
			}
			return views.kv(name, { bindOnly: true, timeout: PATIENCE_MS });
		});
	const read = async (store: string): Promise<Entry | undefined> => {
		const entry = await bucket.get(store);
		return entry?.operation === "PUT" ? entry.json<Entry>() : undefined;
	};
	return {
		read,
		/** Enters a store unless there is an entry; of two that do it at the same time one wins. Answers the entry. */
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

/** The line that refuses a store; undefined where it is that of the shop. */
export function refusalOf(
	{ name, variable }: Pick<Store, "name" | "variable">,
	own: Entry,
	entry: Entry,
): string | undefined {
	return own.id === entry.id
		? undefined
		: `${name} of this process is ${own.where} (store ${short(own.id)}), but that of the shop is ${entry.where} (store ${short(entry.id)}): set ${variable} as the other processes have it; where that store is lost for good, go on with this one by npm run audit -- --accept-restore`;
}

function short(id: string): string {
	return id.slice(0, 8);
}

/** The watch over one store of a process. */
export interface Watch {
	/** Compares again, as after a lost connection to the store. */
	again(): Promise<void>;
	stop(): Promise<void>;
}

/**
 * Makes sure that a process has the same store as all others of its shop: now, and whenever it was cut off from NATS or
 * from the store, which may be another one since.
 *
 * @throws Error of one line that names both stores and the cure.
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
		return refusalOf(store, own, await (await openStoreEntries(nats)).enter(store.name, own));
	};
	const compare = async (until: number): Promise<string | undefined> => {
		for (let told: string | undefined; ; ) {
			try {
				return await refusal();
			} catch (error) {
				const { message } = error as Error;
				if (stopped || performance.now() > until) {
					throw error;
				}
				if (message !== told) {
					broker.logger.warn(`The store of ${store.name} is compared later with the shop's: ${message}`);
				}
				told = message;
				await wait(AGAIN_MS, undefined, { ref: false });
			}
		}
	};
	const again = async () => {
		if (running || stopped) {
			return;
		}
		const comparing = compare(Number.POSITIVE_INFINITY).catch(() => undefined);
		running = comparing;
		const line = await comparing;
		running = undefined;
		if (line && !stopped) {
			broker.fatal(line, undefined, true);
		}
	};

	const line = await compare(performance.now() + START_MS).catch(() => {
		void again();
		return undefined;
	});
	if (line) {
		throw new Error(line);
	}
	broker.localBus.on(JETSTREAM_CONNECTED, again);
	return {
		again,
		async stop() {
			stopped = true;
			broker.localBus.off(JETSTREAM_CONNECTED, again);
			// Over a lost connection it takes longer than a stop may.
			await Promise.race([running, wait(AGAIN_MS, undefined, { ref: false })]);
		},
	};
}
