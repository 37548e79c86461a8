import type { ServiceBroker } from "moleculer";
import type {
	JetStreamClient,
	JetStreamManager,
	MsgRequest,
	NatsConnection,
	NatsError,
	StoredMsg,
} from "nats";
import { settings } from "../config/settings.ts";
import type { EventName } from "../contracts/actions.ts";
import { channelOf, eventId, isEventRef, streamConfig } from "./envelope.ts";

/** Connection of a broker to JetStream, which the channels middleware maintains. */
export interface JetStream {
	connection: NatsConnection;
	client: JetStreamClient;
	manager: JetStreamManager;
	/** Counter of connects and disconnects: facts about the stream from an earlier epoch may no longer hold. */
	epoch: number;
	/** Time of the connection in milliseconds since 1970; undefined while disconnected. */
	connected_at: number | undefined;
	/** Describes why a group's events are not handled although they have arrived; undefined while they are. */
	lagOf(group: string): string | undefined;
	/** Number of events that a group has not handled at the last check; undefined without a check or connection. */
	pendingOf(group: string): number | undefined;
}

/** Returns the connection of a broker to JetStream. */
export function jetStreamOf(broker: ServiceBroker): JetStream {
	return (broker as unknown as { channelAdapter: JetStream }).channelAdapter;
}

const STREAM_NOT_FOUND = 10_059;
const CONSUMER_NOT_FOUND = 10_014;
const MESSAGE_NOT_FOUND = 10_037;
/** Code of NATS for a stream that exists with another configuration. */
const STREAM_NAME_IN_USE = 10_058;
/** Code of the stream for a message that exceeds its limit. */
const MESSAGE_TOO_LARGE = 10_054;

const hasCode = (error: unknown, code: number) => (error as NatsError).api_error?.err_code === code;

/** Reports whether NATS rejects a message for its size, which no retry changes. */
export function isTooLarge(error: unknown): boolean {
	return hasCode(error, MESSAGE_TOO_LARGE) || (error as NatsError).code === "MAX_PAYLOAD_EXCEEDED";
}

/** Resolves to the result of a call; undefined if the stream, consumer or message does not exist. */
export async function unlessMissing<T>(call: Promise<T>): Promise<T | undefined> {
	return call.catch((error) => {
		if ([STREAM_NOT_FOUND, CONSUMER_NOT_FOUND, MESSAGE_NOT_FOUND].some((code) => hasCode(error, code))) {
			return undefined;
		}
		throw error;
	});
}

/**
 * Creates the stream of events if it is missing. Its sequences start above those of any earlier stream, so that an
 * acknowledgement in flight to that one acknowledges nothing of the new one (NATS 2.10 and later).
 */
export async function makeStream(manager: JetStreamManager): Promise<void> {
	await manager.streams.add({ ...streamConfig(), first_seq: Date.now() }).catch((error) => {
		// The stream exists, perhaps with settings that an operator has changed. In a cluster only the message differs.
		if (!hasCode(error, STREAM_NAME_IN_USE)) {
			throw error;
		}
	});
}

/** Current state of the stream of events. */
export interface StreamState {
	/** Time of its creation, as NATS writes it. */
	created: string;
	/**
	 * Sequence up to which every durable consumer has acknowledged all messages; undefined if there is no such consumer.
	 */
	confirmed_sequence: number | undefined;
}

/** Returns the state of the stream of events; creates the stream if it is missing. */
export async function streamState(manager: JetStreamManager): Promise<StreamState> {
	const { name } = streamConfig();
	let info = await unlessMissing(manager.streams.info(name));
	if (!info) {
		await makeStream(manager);
		info = await manager.streams.info(name);
	}
	const floors: number[] = [];
	for await (const consumer of manager.consumers.list(name)) {
		if (consumer.config.durable_name) {
			floors.push(consumer.ack_floor.stream_seq);
		}
	}
	return {
		created: info.created,
		confirmed_sequence: floors.length > 0 ? Math.min(...floors) : undefined,
	};
}

/** Reports whether the stream has this message at this sequence. */
export async function hasMessage(
	manager: JetStreamManager,
	sequence: number,
	message_id: string,
): Promise<boolean> {
	const message = await unlessMissing(manager.streams.getMessage(streamConfig().name, { seq: sequence }));
	return message?.header.get("Nats-Msg-Id") === message_id;
}

/**
 * Returns the aggregate and number of the last event of a name in the stream; undefined if there is none or it is not
 * an event.
 */
export async function lastEvent(
	manager: JetStreamManager,
	name: string,
): Promise<{ aggregate: string; sequence: number } | undefined> {
	const last_by_subj = `${settings.namespace}.${channelOf(name as EventName)}`;
	const message = await unlessMissing(manager.streams.getMessage(streamConfig().name, { last_by_subj }));
	return message && eventRefOf(message.data);
}

/** Returns the first event of a name at or after a stream sequence; undefined if there is none. */
export async function nextMessage(
	manager: JetStreamManager,
	name: string,
	seq: number,
): Promise<StoredMsg | undefined> {
	const next_by_subj = `${settings.namespace}.${channelOf(name as EventName)}`;
	// The server supports this combination, which the client's types lack.
	const query = { seq, next_by_subj } as unknown as MsgRequest;
	return unlessMissing(manager.streams.getMessage(streamConfig().name, query));
}

/** Returns the aggregate and sequence of a message; undefined if it came from no outbox. */
function eventRefOf(data: Uint8Array): { aggregate: string; sequence: number } | undefined {
	try {
		const { id, aggregate, sequence } = JSON.parse(Buffer.from(data).toString());
		return isEventRef(aggregate, sequence) && id === eventId(aggregate, sequence)
			? { aggregate, sequence }
			: undefined;
	} catch {
		return undefined;
	}
}
