import { type JetStreamClient, type MsgHdrs, headers as newHeaders } from "nats";
import { settings } from "../config/settings.ts";
import type { EventName } from "../contracts/actions.ts";
import { noteError, traceparentOf } from "../observability/tracing.ts";
import { channelOf, isInContract, notInContract } from "./envelope.ts";
import type { OutboxRow, Sent } from "./outbox-rows.ts";
import { isTooLarge } from "./stream.ts";
import type { Failed } from "./stuck-events.ts";
import { REQUEST_ID, startSending, TRACEPARENT } from "./tracing.ts";

/** Time limit for the stream to acknowledge an event. */
const ACK_MS = 3000;

/** An event that can never be published as it is, with the reason. */
interface Refused {
	event: OutboxRow;
	refusal: string;
}

/** Outcome of a batch. After a failed event the later ones of its aggregate were not sent. */
interface BatchOutcome {
	sent: Sent[];
	refused: Refused[];
	failed: Failed[];
}

/**
 * Publishes events to the stream: those of one aggregate one after the other, those of different aggregates
 * concurrently.
 */
export async function publishBatch(client: JetStreamClient, rows: OutboxRow[]): Promise<BatchOutcome> {
	const outcome: BatchOutcome = { sent: [], refused: [], failed: [] };
	const publishing = [...Map.groupBy(rows, ({ aggregate }) => aggregate).values()].map(async (events) => {
		for (const event of events.sort((one, other) => one.sequence - other.sequence)) {
			try {
				const result = await send(client, event);
				if ("refusal" in result) {
					outcome.refused.push(result);
				} else {
					outcome.sent.push(result);
				}
			} catch (error) {
				outcome.failed.push({ event, error: error as Error });
				return;
			}
		}
	});
	await Promise.all(publishing);
	return outcome;
}

async function send(client: JetStreamClient, event: OutboxRow): Promise<Sent | Refused> {
	const { position, id, repeats, data, name, version, aggregate, sequence, occurred_at, bytes } = event;
	if (!isInContract(name, version)) {
		return { event, refusal: `${notInContract(event)} that this version of Toko knows` };
	}
	if (data === null) {
		return { event, refusal: tooLarge(bytes) };
	}
	const span = startSending(name, event.traceparent);
	const envelope = JSON.stringify({ id, name, version, aggregate, sequence, occurred_at });
	const message_id = repeats === 0 ? id : `${id}/${repeats}`;
	try {
		const { seq } = await client.publish(
			`${settings.namespace}.${channelOf(name as EventName)}`,
			Buffer.from(`${envelope.slice(0, -1)},"data":${data}}`),
			{
				msgID: message_id,
				timeout: ACK_MS,
				...withCause(traceparentOf(span) ?? event.traceparent, event.request_id),
			},
		);
		return { position, name, message_id, stream_sequence: seq };
	} catch (error) {
		if (span) {
			noteError(span, error);
		}
		if (isTooLarge(error)) {
			return { event, refusal: tooLarge(bytes) };
		}
		throw error;
	} finally {
		span?.end();
	}
}

/** Returns the headers of a message with the trace context and the request of what has caused it. */
function withCause(traceparent: string | null, request_id: string | null): { headers?: MsgHdrs } {
	if (traceparent === null && request_id === null) {
		return {};
	}
	const headers = newHeaders();
	if (traceparent !== null) {
		headers.set(TRACEPARENT, traceparent);
	}
	if (request_id !== null) {
		headers.set(REQUEST_ID, request_id);
	}
	return { headers };
}

function tooLarge(bytes: number): string {
	return `its ${bytes} bytes exceed the limit of NATS (max_payload, or max_msg_size of the stream)`;
}
