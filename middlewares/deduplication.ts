import type { Middleware } from "moleculer";

/** Requests that a process remembers: those of its last seconds at its fastest, and of hours in a quiet shop. */
const REMEMBERED = 20_000;

/** A packet as Moleculer hands it on; `seq` where it is a part of a stream. */
interface Packet {
	payload?: { id?: string; sender?: string; stream?: boolean; seq?: number | null };
}

/** This hook as it is: Moleculer's own types have it answer no function. */
interface MessageHooks {
	transitMessageHandler(
		next: (cmd: string, packet: Packet) => Promise<boolean>,
	): (cmd: string, packet: Packet) => Promise<boolean>;
}

/**
 * Drops a request that arrives a second time over NATS: the first one is answered, or will be. Each call has an id of its
 * own, also one that is made again (see `withRetries`), so that only the same message has the same id.
 */
export function deduplicationMiddleware(): Middleware {
	// In the order in which they came.
	const seen = new Set<string>();
	const hooks: MessageHooks = {
		transitMessageHandler(next) {
			return function handleOnce(cmd, packet) {
				const { id, sender, stream, seq } = packet.payload ?? {};
				// All parts of a stream have the same id.
				if (cmd !== "REQ" || stream || (seq !== undefined && seq !== null)) {
					return next(cmd, packet);
				}
				const name = `${sender} ${id}`;
				if (seen.has(name)) {
					return Promise.resolve(true);
				}
				seen.add(name);
				if (seen.size > REMEMBERED) {
					seen.delete(seen.values().next().value as string);
				}
				return next(cmd, packet);
			};
		},
	};
	return { name: "Once", ...hooks } as unknown as Middleware;
}
