import type { IncomingMessage } from "node:http";
import { isIP, type Socket } from "node:net";
import ipaddr from "ipaddr.js";
import proxyAddress from "proxy-addr";
import { RateLimiterMemory, RateLimiterRes } from "rate-limiter-flexible";
import { settings } from "../../config/settings.ts";
import { problem } from "../../contracts/problems.ts";

/** Counts a request of a client; rejects with TOO_MANY_REQUESTS above the limit. */
export type Limit = (client: string) => Promise<void>;

/**
 * Returns a limiter to `RATE_LIMIT` requests per second and address in this process; undefined if it is disabled (0).
 * That of moleculer-web would count neither cached pages nor unknown addresses, and bodies are read before it.
 */
export function rateLimiter(): Limit | undefined {
	const points = settings.rateLimit;
	if (points === 0) {
		return undefined;
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
 * Returns a function that determines a client's address: that of the connection, or from `X-Forwarded-For` of the
 * proxies in `TRUST_PROXY`. A client can forge that header, so entries before the first untrusted address are ignored.
 * An IPv6 address is reduced to its network (/64), which is what a provider assigns to one customer.
 */
export function clientAddress(): (request: IncomingMessage) => string {
	const trust = proxyAddress.compile([...settings.trustProxy]);
	/** Addresses of connections, for requests without a proxy. */
	const known = new WeakMap<Socket, string>();
	return (request) => {
		if (request.headers["x-forwarded-for"] !== undefined) {
			return determine(request);
		}
		let address = known.get(request.socket);
		if (address === undefined) {
			address = determine(request);
			known.set(request.socket, address);
		}
		return address;
	};

	function determine(request: IncomingMessage): string {
		const own = request.socket.remoteAddress;
		let address = own;
		try {
			address = proxyAddress(request, trust);
		} catch {
			// As below.
		}
		// A trusted proxy may write an invalid address.
		const [valid] = [address, own].filter((one) => isIP(one ?? "") !== 0);
		return valid === undefined ? "unknown" : clientOf(valid);
	}
}

function clientOf(address: string): string {
	// An IPv4 address that is written as an IPv6 address becomes one.
	const parsed = ipaddr.process(address);
	return parsed instanceof ipaddr.IPv6
		? `${parsed.toNormalizedString().split(":", 4).join(":")}::/64`
		: parsed.toString();
}
