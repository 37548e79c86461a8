import { createRequire } from "node:module";
import { setTimeout as wait } from "node:timers/promises";
import { Middleware as Channels } from "@moleculer/channels";
import { type Middleware, Serializers, type ServiceBroker } from "moleculer";
import {
	type ConsumerInfo,
	Events,
	type JetStreamClient,
	type JetStreamManager,
	type JsMsg,
	type NatsConnection,
	type NatsError,
	type Subscription,
} from "nats";
import { settings } from "../config/settings.ts";
import { isTransient } from "../errors/kinds.ts";
import { ConsumerProgress } from "../events/consumer-progress.ts";
import { ACK_WAIT_MS, streamConfig } from "../events/envelope.ts";
import { type JetStream, makeStream, unlessMissing } from "../events/stream.ts";
import { JETSTREAM_CONNECTED } from "../nats/client.ts";

/** Interval between checks of the consumers, in addition to one after each reconnect to NATS. */
const CHECK_MS = 5000;
/** Time limit for NATS to respond to a starting process, and interval between two attempts. */
const START_PATIENCE_MS = 60_000;
const START_PAUSE_MS = 250;
/** A subscription of @moleculer/channels. */
interface Channel {
	id: string;
	name: string;
	group: string;
	unsubscribing?: boolean;
}

type Handler = (error: NatsError | null, message: JsMsg | null) => Promise<void>;

/** Members of the adapter that its types leave out. */
declare class NatsAdapter {
	constructor(options: object);
	broker: ServiceBroker;
	logger: ServiceBroker["logger"];
	connection: NatsConnection;
	client: JetStreamClient;
	manager: JetStreamManager;
	stopping?: boolean;
	subscriptions: Map<string, Subscription>;
	connect(): Promise<void>;
	disconnect(): Promise<void>;
	subscribe(channel: Channel): Promise<void>;
	unsubscribe(channel: Channel): Promise<void>;
	createStream(): Promise<void>;
	createConsumerHandler(channel: Channel): Handler;
	initChannelActiveMessages(id: string, toThrow?: boolean): void;
}

const { Adapters } = createRequire(import.meta.url)("@moleculer/channels") as {
	Adapters: { NATS: typeof NatsAdapter };
};

/** Returns text for malformed JSON, which the inbox rejects: the adapter alone would retry it forever. */
class TolerantJson extends Serializers.JSON {
	override deserialize(message: Buffer): unknown {
		try {
			return JSON.parse(message.toString());
		} catch {
			return message.toString();
		}
	}
}

/**
 * Adapter of @moleculer/channels that maintains its stream and consumers. The original creates them once, at the start.
 * This one creates them again when NATS has lost them, and joins the consumer when another process has created it.
 */
class LastingNatsAdapter extends Adapters.NATS implements JetStream {
	epoch = 0;
	connected_at: number | undefined;
	#patience_ms: number;
	#channels = new Map<string, Channel>();
	#progress = new Map<string, ConsumerProgress>();
	#timer: NodeJS.Timeout | undefined;
	#check: Promise<void> | undefined;

	/** @param patience_ms Time limit for NATS to respond when the process starts. */
	constructor(options: object, patience_ms: number) {
		super(options);
		this.#patience_ms = patience_ms;
	}

	override async connect(): Promise<void> {
		await this.#patiently(async () => {
			try {
				await super.connect();
			} catch (error) {
				// Connected, but JetStream has not responded.
				await this.connection?.close();
				throw error;
			}
		});
		this.#nowConnected();
		void this.#watch();
		this.#timer = setInterval(() => this.#monitor(), CHECK_MS);
	}

	override async disconnect(): Promise<void> {
		clearInterval(this.#timer);
		this.connected_at = undefined;
		await this.#check;
		await super.disconnect();
	}

	override async subscribe(channel: Channel): Promise<void> {
		try {
			// Later attempts are repeated by the next check.
			const isFirst = !this.#channels.has(channel.id);
			await (isFirst ? this.#patiently(() => super.subscribe(channel)) : super.subscribe(channel));
		} catch (error) {
			if (/no stream matches subject/.test((error as Error).message)) {
				const replicas = settings.eventReplicas;
				throw new Error(
					`NATS did not create the stream of events: has it ${replicas} servers, as EVENT_REPLICAS=${replicas} asks for?`,
				);
			}
			if (!/consumer (name )?already (exists|in use)/.test((error as Error).message)) {
				throw error;
			}
			// Two nodes that start together both find no consumer and create it; the slower one fails and joins the existing
			// one.
			await super.subscribe(channel);
		}
		this.#channels.set(channel.id, channel);
	}

	override async unsubscribe(channel: Channel): Promise<void> {
		this.#channels.delete(channel.id);
		await super.unsubscribe(channel);
	}

	override createStream(): Promise<void> {
		return makeStream(this.manager).catch((error) => {
			if (isTransient(error)) {
				throw error;
			}
			// The subscription fails then.
			this.logger.error(`NATS did not create the stream of events: ${(error as Error).message}`);
		});
	}

	/** Allows subscribing to a channel again, as is needed after its consumer was created again. */
	override initChannelActiveMessages(id: string): void {
		super.initChannelActiveMessages(id, false);
	}

	/**
	 * Ignores responses to a message that was delivered before the connection or the consumer was lost: its sequence may
	 * by now belong to another message. It is redelivered, and the inbox deduplicates it.
	 */
	override createConsumerHandler(channel: Channel): Handler {
		const handle = super.createConsumerHandler(channel);
		return (error, message) => {
			const { epoch } = this;
			// The adapter reports progress at once, which is unnecessary: the time to acknowledge has just begun.
			let isSaid = false;
			for (const name of message ? (["ack", "nak", "working"] as const) : []) {
				const answer = (message as JsMsg)[name].bind(message);
				(message as JsMsg)[name] = (delay_ms?: number) => {
					if (this.epoch === epoch && (name !== "working" || isSaid)) {
						answer(delay_ms);
					}
					isSaid = true;
				};
			}
			return handle(error, message);
		};
	}

	lagOf(group: string): string | undefined {
		return this.connected_at === undefined ? undefined : this.#progress.get(group)?.lag(this.connected_at);
	}

	pendingOf(group: string): number | undefined {
		return this.connected_at === undefined ? undefined : this.#progress.get(group)?.pending;
	}

	/**
	 * Runs a step of the start, and retries it when NATS has not responded in time.
	 *
	 * @throws Error that names cause and remedy if NATS still does not respond.
	 */
	async #patiently(step: () => Promise<void>): Promise<void> {
		const deadline = Date.now() + this.#patience_ms;
		for (;;) {
			try {
				return await step();
			} catch (error) {
				const { message } = error as Error;
				if (!isTransient(error) || this.stopping) {
					throw error;
				}
				if (Date.now() > deadline) {
					const seconds = Math.round(this.#patience_ms / 1000);
					throw new Error(
						`NATS did not answer within ${seconds} s while this process started (${message}): it or the disk of its streams is overloaded; start again when it answers`,
						{ cause: error },
					);
				}
				this.logger.warn(`NATS does not answer in time (${message}): trying again`);
				await wait(START_PAUSE_MS);
			}
		}
	}

	#nowConnected(): void {
		this.epoch++;
		this.connected_at = Date.now();
		this.broker.localBus.emit(JETSTREAM_CONNECTED);
	}

	/** Watches the connection, since the client reports its reconnects nowhere else. */
	async #watch(): Promise<void> {
		for await (const { type } of this.connection.status()) {
			if (type === Events.Disconnect) {
				this.epoch++;
				this.connected_at = undefined;
			} else if (type === Events.Reconnect && !this.stopping) {
				this.#nowConnected();
				this.#monitor();
			}
		}
	}

	/** Checks all consumers; concurrent calls share one check. */
	#monitor(): void {
		this.#check ??= this.#checkConsumers().finally(() => {
			this.#check = undefined;
		});
	}

	async #checkConsumers(): Promise<void> {
		for (const channel of this.#channels.values()) {
			if (this.connected_at === undefined || this.stopping || channel.unsubscribing) {
				continue;
			}
			const { epoch } = this;
			try {
				const { name } = streamConfig();
				const info = await unlessMissing(this.manager.consumers.info(name, channel.group));
				const subscription = this.subscriptions.get(channel.id);
				if (info?.config.deliver_subject !== subscription?.getSubject()) {
					await this.#subscribeAgain(channel, info ? "is another one" : "is gone");
				}
				this.#note(channel.group, info);
			} catch (error) {
				if (epoch === this.epoch) {
					this.#noteFailure(channel.group, (error as Error).message);
				}
			}
		}
	}

	async #subscribeAgain(channel: Channel, why: string): Promise<void> {
		this.logger.warn(`The consumer ${channel.group} of the events ${why}: subscribing again`);
		this.epoch++;
		this.subscriptions.get(channel.id)?.unsubscribe();
		await this.subscribe(channel);
	}

	#note(group: string, info: ConsumerInfo | undefined): void {
		const line = this.#progressOf(group).record({
			unfinished: info ? info.num_pending + info.num_ack_pending : 0,
			floor: info?.ack_floor.stream_seq ?? 0,
		});
		if (line) {
			this.logger.warn(line);
		}
	}

	#noteFailure(group: string, failure: string): void {
		if (this.#progressOf(group).recordFailure(failure)) {
			this.logger.warn(`The consumer ${group} of the events cannot be inspected: ${failure}`);
		}
	}

	#progressOf(group: string): ConsumerProgress {
		const progress = this.#progress.get(group) ?? new ConsumerProgress(group);
		this.#progress.set(group, progress);
		return progress;
	}
}

/**
 * Creates the middleware for events over JetStream, which stores them on disk until every consumer group has handled
 * them.
 *
 * @param connectionOptions Options of the NATS client.
 * @param patience_ms Time limit for NATS to respond when the process starts.
 */
export function channels(connectionOptions: object, patience_ms = START_PATIENCE_MS): Middleware {
	const adapter = new LastingNatsAdapter(
		{
			nats: {
				connectionOptions,
				streamConfig: streamConfig(),
				consumerOptions: { config: { deliver_policy: "all", ack_wait: ACK_WAIT_MS * 1_000_000 } },
			},
			serializer: new TolerantJson(),
			// Limit for a whole group, events in backoff included: higher than the number that can fail at the same time.
			maxInFlight: 1000,
		},
		patience_ms,
	);
	return Channels({ adapter } as never);
}
