import type { IncomingMessage } from "node:http";
import proxyAddress from "proxy-addr";
import { settings } from "../../config/settings.ts";

/**
 * The address that a client used: an origin such as `https://shop.example`, and the prefix that proxies have removed
 * from the path.
 */
export interface PublicAddress {
	origin: string;
	/** Empty, or a path such as `/shop`. */
	prefix: string;
}

const HOST = /^([\w.-]+|\[[0-9a-f:.]+\])(:\d{1,5})?$/i;
const PREFIX = /^(\/[\w.~-]+)+$/;

/**
 * Returns a function that determines the address that a client used: that of the request, or from `X-Forwarded-Proto`,
 * `-Host` and `-Prefix` of the proxies in `TRUST_PROXY`. These can be lists to which proxies append values, like
 * `X-Forwarded-For`; entries before those of trusted proxies may be forged by a client.
 */
export function publicAddress(): (request: IncomingMessage) => PublicAddress {
	const trust = proxyAddress.compile([...settings.trustProxy]);
	return (request) => {
		const trusted = trustedHops(request, trust);
		const said = (name: string, form: RegExp) => {
			const values = String(request.headers[`x-forwarded-${name}`] ?? "").split(",");
			const value = values[Math.max(0, values.length - trusted)]?.trim() ?? "";
			return trusted > 0 && form.test(value) ? value : undefined;
		};
		const { host = "" } = request.headers;
		const { localAddress = "", localPort } = request.socket;
		const own = localAddress.includes(":") ? `[${localAddress}]` : localAddress;
		const protocol = said("proto", /^https?$/i)?.toLowerCase() ?? "http";
		return {
			origin: `${protocol}://${said("host", HOST) ?? (HOST.test(host) ? host : `${own}:${localPort}`)}`,
			prefix: said("prefix", PREFIX) ?? "",
		};
	};
}

/** Returns a function that tells whether a request comes through a proxy of `TRUST_PROXY`. */
export function isFromProxy(): (request: IncomingMessage) => boolean {
	if (settings.trustProxy.length === 0) {
		// Asked for each request.
		return () => false;
	}
	const trust = proxyAddress.compile([...settings.trustProxy]);
	return ({ socket }) => trust(socket.remoteAddress ?? "", 0);
}

/** Returns the number of consecutive trusted proxies, beginning with the nearest. */
function trustedHops(request: IncomingMessage, trust: (address: string, hop: number) => boolean): number {
	try {
		const hops = proxyAddress.all(request, trust);
		const stranger = hops.findIndex((address, hop) => !trust(address, hop));
		return stranger === -1 ? hops.length : stranger;
	} catch {
		// X-Forwarded-For contains an invalid address, but the nearest proxy is known nevertheless.
		return trust(request.socket.remoteAddress ?? "", 0) ? 1 : 0;
	}
}
