import type { z } from "zod";
import type { channel } from "../../contracts/notifications.ts";

export type ChannelName = z.output<typeof channel>;

/** A message to be sent to one recipient. */
export interface Message extends Written {
	/** The same for every attempt to send it. */
	id: string;
	to: string;
}

/** A way to send messages. */
export interface Channel {
	/**
	 * Sends a message. The recipient's server can detect duplicates by the id.
	 *
	 * @throws Refused if a retry is useless; other errors may be transient.
	 */
	send(message: Message): Promise<void>;
	close(): void;
}

/** Thrown if the recipient's server rejects a message permanently. */
export class Refused extends Error {}

/** Thrown if an attempt failed within Toko. The message is retried however old it is. */
export class Interrupted extends Error {}

/** The content of a message. */
export interface Written {
	/** Absent for text messages. */
	subject?: string;
	html?: string;
	/** The same content as plain text. */
	text: string;
}
