import type { ChannelName, Message } from "./channel.ts";

/** A request of the service's process to the delivery worker (`delivery-worker.ts`). */
export interface DeliveryRequest {
	/** Id that the outcome repeats. */
	request_id: number;
	/** The lease under which the message was taken from the queue. */
	lease: number;
	channel: ChannelName;
	message: Message;
	/** Trace context of the consumer that has queued the message. */
	traceparent?: string | undefined;
}

/** The outcome of a message; the reason if it was not sent. It is `interrupted` if the attempt failed within Toko. */
export interface Outcome {
	request_id: number;
	is: "sent" | "refused" | "failed" | "interrupted";
	reason?: string;
}

/** The lease under which messages can be sent from now on. */
interface Ready {
	lease: number;
}

/** A warning for the operator. */
interface Warning {
	warning: string;
}

/** The port where the worker serves its metrics. */
interface Measured {
	metrics_port: number;
}

/** A message of the delivery worker to the service's process. */
export type WorkerMessage = Outcome | Ready | Warning | Measured | typeof PING;

/** Sent periodically by the service's process, and returned by a delivery worker that is not frozen. */
export const PING = "ping";

/** Interval between pings. */
export const PING_EVERY_MS = 500;

/**
 * Time for the delivery worker to finish messages in flight, after the service's process has exited or disconnected.
 */
export const DRAIN_MS = 10_000;
