import type { JsMsg } from "nats";
import { type EventEnvelope, events as eventContracts } from "../contracts/actions.ts";
import { isRequestId } from "../observability/log-context.ts";
import {
	inSpan,
	isTraced,
	noteError,
	parseTraceparent,
	type Span,
	type SpanContext,
	type SpanOptions,
	startSpan,
	traceparentOf,
	withSpans,
} from "../observability/tracing.ts";

/** Header of a message with the trace context of its producer (W3C Trace Context). */
export const TRACEPARENT = "traceparent";

/** Header of a message with the id of the request that has caused it. Messages of earlier versions have none. */
export const REQUEST_ID = "x-request-id";

/** Returns the id of the request that has caused a message. */
export function requestOf({ headers }: Delivered["message"]): string | undefined {
	const id = headers?.get(REQUEST_ID) ?? "";
	return isRequestId(id) ? id : undefined;
}

/** Attribute of all spans about events. */
const MESSAGING = { "messaging.system": "nats" } as const;

/** Starts the span of an event that is published, as a part of the work that has caused it. */
export function startSending(name: string, traceparent: string | null): Span | undefined {
	const parent = parseTraceparent(traceparent);
	return startSpan(parent, {
		name: `send ${name}`,
		kind: "producer",
		attributes: { ...MESSAGING, "messaging.operation.type": "send", "messaging.destination.name": name },
		links: parent ? [parent] : [],
	});
}

/** An event and the message by which it was delivered. */
export interface Delivered {
	event: Partial<EventEnvelope>;
	message: Pick<JsMsg, "headers">;
}

/** Returns the trace context of the producer of a message. */
export function producerOf(message: Delivered["message"]): SpanContext | undefined {
	return parseTraceparent(message.headers?.get(TRACEPARENT));
}

function processing(group: string, { event: { name } }: Delivered): SpanOptions {
	const known = name !== undefined && Object.hasOwn(eventContracts, name) ? name : "unknown";
	return {
		name: `process ${known}`,
		kind: "consumer",
		attributes: {
			...MESSAGING,
			"messaging.operation.type": "process",
			"messaging.destination.name": known,
			"messaging.consumer.group.name": group,
		},
	};
}

/**
 * Handles events as spans of their traces: parts of their producers, with links to them. Events that are handled together also have
 * a span of their own, in a trace of its own, with links to all of them. `traceparent` of each event becomes that of its span.
 *
 * @param group Consumer group.
 */
export async function inConsumerSpans<T>(
	group: string,
	delivered: readonly Delivered[],
	work: () => Promise<T>,
): Promise<T> {
	const spans: Span[] = [];
	/** The spans, and the producers of events that need none. */
	const contexts: SpanContext[] = [];
	for (const one of isTraced() ? delivered : []) {
		const producer = producerOf(one.message);
		if (producer) {
			const span = startSpan(producer, { ...processing(group, one), links: [producer] });
			one.event.traceparent = traceparentOf(span ?? producer);
			contexts.push(span ?? producer);
			if (span) {
				spans.push(span);
			}
		}
	}
	const together = (inner: () => Promise<T>) =>
		delivered.length === 1 || contexts.length === 0
			? withSpans(contexts, inner)
			: inSpan(undefined, batch(group, contexts), inner);
	try {
		return await together(work);
	} catch (error) {
		for (const span of spans) {
			noteError(span, error);
		}
		throw error;
	} finally {
		for (const span of spans) {
			span.end();
		}
	}
}

function batch(group: string, spans: readonly SpanContext[]): SpanOptions {
	return {
		name: "process batch",
		kind: "consumer",
		attributes: {
			...MESSAGING,
			"messaging.operation.type": "process",
			"messaging.consumer.group.name": group,
			"messaging.batch.message_count": spans.length,
		},
		links: spans,
	};
}
