import type { ChannelName, Message } from "./channel.ts";

/** What the service's process asks of the one that sends (`sending.ts`). */
export interface Order {
	/** Names the answer. */
	turn: number;
	channel: ChannelName;
	message: Message;
}

/** What became of a message; the text is why it did not leave, or could not be marked. */
export interface Outcome {
	turn: number;
	is: "sent" | "refused" | "failed";
	reason?: string;
}

/** What the service's process sends now and then, and gets back from a process that is not frozen. */
export const PING = "ping";
