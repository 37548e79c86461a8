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
import { channelOf, eventId, isPlace, streamConfig } from "./envelope.ts";

/** The broker's connection to JetStream, which the channels middleware keeps. */
export interface JetStream {
	connection: NatsConnection;
	client: JetStreamClient;
	manager: JetStreamManager;
	/** Counts the times that it was lost or made: what was true of the stream before may not be any more. */
	epoch: number;
	/** Since when it is there, in milliseconds since 1970; undefined while it is not. */
	connected_at: number | undefined;
	/** Why a group's events are not taken in although they are there, in words; undefined while they are. */
	lagOf(group: string): string | undefined;
}

/** The local event that the connection to JetStream is there, or there again. */
export const JETSTREAM_CONNECTED = "$jetstream.connected";

/** The connection of a broker to JetStream. */
export function jetStreamOf(broker: ServiceBroker): JetStream {
	return (broker as unknown as { channelAdapter: JetStream }).channelAdapter;
}

const STREAM_NOT_FOUND = 10_059;
const CONSUMER_NOT_FOUND = 10_014;
const MESSAGE_NOT_FOUND = 10_037;
/** What NATS answers where there is a stream of the name with another configuration. */
const STREAM_NAME_IN_USE = 10_058;
/** What the stream says of a message that is larger than it takes. */
const MESSAGE_TOO_LARGE = 10_054;

const hasCode = (error: unknown, code: number) => (error as NatsError).api_error?.err_code === code;

/** Whether NATS takes no message of this size, however often it is sent. */
export function isTooLarge(error: unknown): boolean {
	return hasCode(error, MESSAGE_TOO_LARGE) || (error as NatsError).code === "MAX_PAYLOAD_EXCEEDED";
}

/** What a call answers, undefined where the stream, consumer or message is not there. */
export async function unlessMissing<T>(answer: Promise<T>): Promise<T | undefined> {
	return answer.catch((error) => {
		if ([STREAM_NOT_FOUND, CONSUMER_NOT_FOUND, MESSAGE_NOT_FOUND].some((code) => hasCode(error, code))) {
			return undefined;
		}
		throw error;
	});
}

/**
 * Makes the stream of events where it is missing. Its numbers begin above those of any stream before it, so that an
 * acknowledgement on its way to the old one acknowledges nothing of the new one (NATS 2.10 and later).
 */
export async function makeStream(manager: JetStreamManager): Promise<void> {
	await manager.streams.add({ ...streamConfig(), first_seq: Date.now() }).catch((error) => {
		// It is there already, perhaps with settings that an operator has changed. A cluster says so in other words.
		if (!hasCode(error, STREAM_NAME_IN_USE)) {
			throw error;
		}
	});
}

/** What the stream of events is like at this moment. */
export interface StreamState {
	/** When it was made, as NATS writes it. */
	created: string;
	/** Everything up to here is acknowledged by every durable consumer; undefined where there is none. */
	confirmed_sequence: number | undefined;
}

/** Looks at the stream of events; makes it where it is missing. */
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

/** Whether the stream has this message at this place. */
export async function hasMessage(
	manager: JetStreamManager,
	sequence: number,
	message_id: string,
): Promise<boolean> {
	const message = await unlessMissing(manager.streams.getMessage(streamConfig().name, { seq: sequence }));
	return message?.header.get("Nats-Msg-Id") === message_id;
}

/** The place of the last event of this name in the stream; undefined where there is none, or something else. */
export async function lastEvent(
	manager: JetStreamManager,
	name: string,
): Promise<{ aggregate: string; sequence: number } | undefined> {
	const last_by_subj = `${settings.namespace}.${channelOf(name as EventName)}`;
	const message = await unlessMissing(manager.streams.getMessage(streamConfig().name, { last_by_subj }));
	return message && placeOf(message.data);
}

/** The first event of this name at a place of the stream or behind it; undefined where there is none. */
export async function nextMessage(
	manager: JetStreamManager,
	name: string,
	seq: number,
): Promise<StoredMsg | undefined> {
	const next_by_subj = `${settings.namespace}.${channelOf(name as EventName)}`;
	// The server knows both together, of which the client's types say nothing.
	const query = { seq, next_by_subj } as unknown as MsgRequest;
	return unlessMissing(manager.streams.getMessage(streamConfig().name, query));
}

/** The aggregate and sequence of a message; undefined where it came from no outbox. */
function placeOf(data: Uint8Array): { aggregate: string; sequence: number } | undefined {
	try {
		const { id, aggregate, sequence } = JSON.parse(Buffer.from(data).toString());
		return isPlace(aggregate, sequence) && id === eventId(aggregate, sequence)
			? { aggregate, sequence }
			: undefined;
	} catch {
		return undefined;
	}
}
