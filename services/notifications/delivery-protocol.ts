import type { ChannelName, Message } from "./channel.ts";

/** What the service's process asks of the one that sends (`delivery-worker.ts`). */
export interface DeliveryOrder {
	/** Names the answer. */
	turn: number;
	/** The lease under which the message was taken from the queue. */
	lease: number;
	channel: ChannelName;
	message: Message;
}

/** What became of a message; the reason is why it did not leave. */
export interface Outcome {
	turn: number;
	is: "sent" | "refused" | "failed";
	reason?: string;
}

/** The lease under which messages can be handed over from now on. */
export interface Ready {
	lease: number;
}

/** Something for the operator. */
export interface Trouble {
	trouble: string;
}

/** What the process that sends tells the service's. */
export type WorkerMessage = Outcome | Ready | Trouble | typeof PING;

/** What the service's process sends now and then, and gets back from a process that is not frozen. */
export const PING = "ping";

/** How often it does. */
export const PING_EVERY_MS = 500;

/** How long the process that sends finishes what is on its way, once the service's process is gone or lets it end. */
export const DRAIN_MS = 10_000;
