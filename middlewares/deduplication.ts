import { LRUCache } from "lru-cache";
import type { Middleware } from "moleculer";

/** Maximum number of remembered requests: those of the last seconds at full load, of hours in a quiet shop. */
const REMEMBERED = 20_000;

/** A packet of Moleculer; `seq` is set in a chunk of a stream. */
interface Packet {
	payload?: { id?: string; sender?: string; stream?: boolean; seq?: number | null };
}

/** The hook with its real type: Moleculer's own types lack the returned function. */
interface MessageHooks {
	transitMessageHandler(
		next: (cmd: string, packet: Packet) => Promise<boolean>,
	): (cmd: string, packet: Packet) => Promise<boolean>;
}

/**
 * Drops a duplicate of a request over NATS, since the first one gets the response. Each call has its own id, retries
 * included (see `withRetries`), so only a duplicate message has the same id.
 */
export function deduplicationMiddleware(): Middleware {
	const seen = new LRUCache<string, true>({ max: REMEMBERED });
	const hooks: MessageHooks = {
		transitMessageHandler(next) {
			return function handleOnce(cmd, packet) {
				const { id, sender, stream, seq } = packet.payload ?? {};
				// All chunks of a stream have the same id.
				if (cmd !== "REQ" || stream || (seq !== undefined && seq !== null)) {
					return next(cmd, packet);
				}
				const name = `${sender} ${id}`;
				if (seen.has(name)) {
					return Promise.resolve(true);
				}
				seen.set(name, true);
				return next(cmd, packet);
			};
		},
	};
	return { name: "Deduplication", ...hooks } as unknown as Middleware;
}
