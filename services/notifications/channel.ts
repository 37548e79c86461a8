import type { z } from "zod";
import type { channel } from "../../contracts/notifications.ts";

export type ChannelName = z.output<typeof channel>;

/** A message on its way to one person. */
export interface Message extends Written {
	/** The same whenever it is sent again. */
	id: string;
	to: string;
}

/** A way to reach people. */
export interface Channel {
	/**
	 * Sends a message; the recipient's side can tell by the id that it had it before.
	 *
	 * @throws Refused where trying again is in vain; anything else may pass.
	 */
	send(message: Message): Promise<void>;
	close(): void;
}

/** A message that the other side does not take and never will. */
export class Refused extends Error {}

/** A message that is ready to be sent. */
export interface Written {
	/** Text messages have none. */
	subject?: string;
	html?: string;
	/** The same as plain text. */
	text: string;
}
