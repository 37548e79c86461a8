import type { JsMsg } from "nats";
import { ACK_WAIT_MS } from "./envelope.ts";

/** Interval between reports to NATS that an event is in progress. */
export const HEARTBEAT_MS = ACK_WAIT_MS / 4;

/** Returns an exponential backoff of up to 30 s, in ms, with jitter of up to half of it. */
export function backoff(tries: number): number {
	return Math.min(30_000, 250 * 2 ** tries) * (0.5 + Math.random() / 2);
}

/** Asks for redelivery. The adapter's acknowledgement that follows then has no effect. */
export function redeliver(message: JsMsg, delay_ms: number): void {
	message.nak(Math.round(delay_ms));
}
