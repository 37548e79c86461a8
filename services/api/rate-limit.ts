import type { IncomingMessage } from "node:http";
import { isIP, isIPv6 } from "node:net";
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
 * client can write that header too, so nothing before the first proxy that is not trusted counts. Of an IPv6 address it is
 * the network (/64), since that is what one customer is given.
 */
export function clientAddress(): (request: IncomingMessage) => string {
	const trust = proxyAddress.compile(settings.trustProxy);
	return (request) => {
		const own = request.socket.remoteAddress;
		let address = own;
		try {
			address = proxyAddress(request, trust);
		} catch {
			// As below.
		}
		// A trusted proxy may write something that is no address.
		return clientOf(isIP(address ?? "") ? address : own) ?? "unknown";
	};
}

function clientOf(address: string | undefined): string | undefined {
	if (!address || !isIPv6(address)) {
		return address;
	}
	// A URL has the shortest form, in lower case.
	const { hostname } = new URL(`http://[${address.replace(/%.*/, "")}]`);
	const [left = [], right = []] = hostname
		.slice(1, -1)
		.split("::")
		.map((half) => half.split(":").filter(Boolean));
	const groups = [...left, ...Array(8 - left.length - right.length).fill("0"), ...right];
	if (/^(0:){5}ffff:/.test(groups.join(":"))) {
		const bytes = groups
			.slice(6)
			.flatMap((group) => [Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 255]);
		return bytes.join(".");
	}
	return `${groups.slice(0, 4).join(":")}::/64`;
}
