import { createRequire } from "node:module";
import { Middleware as Channels } from "@moleculer/channels";
import { type Middleware, Serializers } from "moleculer";
import { ACK_WAIT_MS, streamConfig } from "../mixins/events.ts";
import { settings } from "../mixins/settings.ts";

/** The adapter's types leave its classes out. */
const { Adapters } = createRequire(import.meta.url)("@moleculer/channels") as {
	Adapters: { NATS: new (options: object) => NatsAdapter };
};

interface NatsAdapter {
	activeMessages: Map<string, unknown>;
	subscribe(channel: { id: string }): Promise<void>;
}

/** What is not JSON comes as text, for the inbox to refuse: the adapter alone would try it for ever. */
class TolerantJson extends Serializers.JSON {
	override deserialize(message: Buffer): unknown {
		try {
			return JSON.parse(message.toString());
		} catch {
			return message.toString();
		}
	}
}

/** Two nodes that start together both find no consumer and both make it: the slower one is told so and joins it. */
class SharedNatsAdapter extends Adapters.NATS {
	override async subscribe(channel: { id: string }): Promise<void> {
		try {
			await super.subscribe(channel);
		} catch (error) {
			if (/no stream matches subject/.test((error as Error).message)) {
				const replicas = settings.eventReplicas;
				throw new Error(
					`NATS did not make the stream of events: has it ${replicas} servers, as EVENT_REPLICAS=${replicas} asks for?`,
				);
			}
			if (!/consumer (name )?already (exists|in use)/.test((error as Error).message)) {
				throw error;
			}
			this.activeMessages.delete(channel.id);
			await super.subscribe(channel);
		}
	}
}

/**
 * Events over JetStream, kept on disk until every consumer group has them.
 *
 * @param connectionOptions Of the NATS client.
 */
export function channels(connectionOptions: object): Middleware {
	return Channels({
		adapter: new SharedNatsAdapter({
			nats: {
				connectionOptions,
				streamConfig: streamConfig(),
				consumerOptions: { config: { deliver_policy: "all", ack_wait: ACK_WAIT_MS * 1_000_000 } },
			},
			serializer: new TolerantJson(),
			// Of a whole group, with those that wait for another try: more than can go wrong at the same time.
			maxInFlight: 1000,
		}),
	} as never);
}
