import type { IncomingMessage } from "node:http";
import { RateLimiterMemory, RateLimiterRes } from "rate-limiter-flexible";
import { problem } from "../../contracts/problems.ts";
import { settings } from "../../mixins/settings.ts";

/** Counts a request against its client's limit; throws TOO_MANY_REQUESTS where there have been too many. */
export type Limit = (request: IncomingMessage) => Promise<void>;

/**
 * At most `RATE_LIMIT` requests a second from one address, as this process counts; 0 is off. The address is the
 * connection's own: headers that a client can write do not matter.
 */
export function rateLimiter(): Limit {
	const points = settings.rateLimit;
	if (points === 0) {
		return async () => {};
	}
	const limiter = new RateLimiterMemory({ points, duration: 1 });
	return async (request) => {
		try {
			await limiter.consume(request.socket.remoteAddress ?? "unknown");
		} catch (refusal) {
			if (refusal instanceof RateLimiterRes) {
				throw problem("TOO_MANY_REQUESTS", { limit: points });
			}
			throw refusal;
		}
	};
}
