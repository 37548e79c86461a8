import type { IncomingMessage } from "node:http";
import proxyAddress from "proxy-addr";
import { settings } from "../../config/settings.ts";

/** The address that a client used: an origin such as `https://shop.example`, and what its proxies took off the path. */
export interface PublicAddress {
	origin: string;
	/** Empty, or such as `/shop`. */
	prefix: string;
}

const HOST = /^([\w.-]+|\[[0-9a-f:.]+\])(:\d{1,5})?$/i;
const PREFIX = /^(\/[\w.~-]+)+$/;

/**
 * Tells the address that a client used: that of the request, or what the proxies of `TRUST_PROXY` say of it in
 * `X-Forwarded-Proto`, `-Host` and `-Prefix`. Where these are lists, proxies have added to them what they saw, as to
 * `X-Forwarded-For`; what stands before the entries of trusted ones a client may have written itself.
 */
export function publicAddress(): (request: IncomingMessage) => PublicAddress {
	const trust = proxyAddress.compile(settings.trustProxy);
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

/** How many proxies, from this one's neighbour on, are trusted. */
function trustedHops(request: IncomingMessage, trust: (address: string, hop: number) => boolean): number {
	try {
		const hops = proxyAddress.all(request, trust);
		const stranger = hops.findIndex((address, hop) => !trust(address, hop));
		return stranger === -1 ? hops.length : stranger;
	} catch {
		// X-Forwarded-For holds something that is no address: the neighbour is known all the same.
		return trust(request.socket.remoteAddress ?? "", 0) ? 1 : 0;
	}
}
