import type { IncomingMessage } from "node:http";
import proxyAddress from "proxy-addr";
import { RateLimiterMemory, RateLimiterRes } from "rate-limiter-flexible";
import { problem } from "../../contracts/problems.ts";
import { settings } from "../../mixins/settings.ts";

/** Counts a request against its client's limit; throws TOO_MANY_REQUESTS where there have been too many. */
export type Limit = (client: string) => Promise<void>;

/** At most `RATE_LIMIT` requests a second from one address, as this process counts; 0 is off. */
export function rateLimiter(): Limit {
	const points = settings.rateLimit;
	if (points === 0) {
		return async () => {};
	}
	const limiter = new RateLimiterMemory({ points, duration: 1 });
	return async (client) => {
		try {
			await limiter.consume(client);
		} catch (refusal) {
			if (refusal instanceof RateLimiterRes) {
				throw problem("TOO_MANY_REQUESTS", { limit: points });
			}
			throw refusal;
		}
	};
}

/**
 * Tells a client's address: the connection's own, or what the proxies of `TRUST_PROXY` say of it in `X-Forwarded-For`. A
 * client can write that header too, so nothing before the first proxy that is not trusted counts.
 */
export function clientAddress(): (request: IncomingMessage) => string {
	const trust = proxyAddress.compile(settings.trustProxy);
	return (request) => {
		try {
			return proxyAddress(request, trust) || "unknown";
		} catch {
			// A trusted proxy wrote something that is no address.
			return request.socket.remoteAddress ?? "unknown";
		}
	};
}
