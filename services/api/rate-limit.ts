import type { IncomingMessage } from "node:http";
import { isIP, isIPv6, type Socket } from "node:net";
import proxyAddress from "proxy-addr";
import { RateLimiterMemory, RateLimiterRes } from "rate-limiter-flexible";
import { settings } from "../../config/settings.ts";
import { problem } from "../../contracts/problems.ts";

/** Counts a request against its client's limit; throws TOO_MANY_REQUESTS where there have been too many. */
export type Limit = (client: string) => Promise<void>;

/** At most `RATE_LIMIT` requests a second from one address, as this process counts; undefined where it is off (0). */
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
 * Tells a client's address: the connection's own, or what the proxies of `TRUST_PROXY` say of it in `X-Forwarded-For`. A
 * client can write that header too, so nothing before the first proxy that is not trusted counts. Of an IPv6 address it is
 * the network (/64), since that is what one customer is given.
 */
export function clientAddress(): (request: IncomingMessage) => string {
	const trust = proxyAddress.compile(settings.trustProxy);
	/** Of connections, for requests that no proxy says anything of. */
	const known = new WeakMap<Socket, string>();
	return (request) => {
		if (request.headers["x-forwarded-for"] !== undefined) {
			return tell(request);
		}
		let address = known.get(request.socket);
		if (address === undefined) {
			address = tell(request);
			known.set(request.socket, address);
		}
		return address;
	};

	function tell(request: IncomingMessage): string {
		const own = request.socket.remoteAddress;
		let address = own;
		try {
			address = proxyAddress(request, trust);
		} catch {
			// As below.
		}
		// A trusted proxy may write something that is no address.
		return clientOf(isIP(address ?? "") ? address : own) ?? "unknown";
	}
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
