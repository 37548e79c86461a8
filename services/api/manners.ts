import type { IncomingMessage, ServerResponse } from "node:http";
import compression from "compression";
import cors from "cors";
import helmet from "helmet";
import { settings } from "../../config/settings.ts";

const exposedHeaders = ["Deprecation", "ETag", "Link", "Location", "Retry-After", "Sunset", "X-Request-Id"];

/** A middleware as Express has them. */
export type Manner = (
	request: IncomingMessage,
	response: ServerResponse,
	next: (error?: unknown) => void,
) => void;

/** What every answer gets, whatever it is about: headers for browsers, and compression. */
export function manners(): Manner[] {
	return [...browserManners(), compression() as unknown as Manner];
}

function browserManners(): Manner[] {
	const { corsOrigins } = settings;
	return [
		helmet({
			contentSecurityPolicy: {
				useDefaults: false,
				directives: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] },
			},
		}),
		// Tokens travel in a header and there are no cookies, so no credentials are allowed for. OPTIONS is answered by us.
		...(corsOrigins.length > 0
			? [cors({ origin: corsOrigins, exposedHeaders, maxAge: 600, preflightContinue: true }) as Manner]
			: []),
	];
}

/** Headers as `writeHead` takes them, names and values in turn, and whether they are for all origins alike. */
export interface BrowserHeaders {
	headers: readonly string[];
	/** Begins what `Vary` names further: empty, or `Origin, `. */
	vary: string;
}

/**
 * Makes the function that tells the headers for browsers of an answer to anything but OPTIONS. They depend on the request's
 * origin only, and are made once for each that is allowed.
 */
export function browserHeaders(): (request: IncomingMessage) => BrowserHeaders {
	const usual = headersFor(undefined);
	const allowed = new Map(settings.corsOrigins.map((origin) => [origin, headersFor(origin)]));
	return ({ headers: { origin } }) => (origin === undefined ? usual : (allowed.get(origin) ?? usual));
}

function headersFor(origin: string | undefined): BrowserHeaders {
	const headers = new Map<string, string>();
	const request = { method: "GET", headers: { origin } } as unknown as IncomingMessage;
	const response = {
		getHeader: (name: string) => headers.get(name),
		setHeader: (name: string, value: string) => headers.set(name, value),
		removeHeader: (name: string) => headers.delete(name),
	} as unknown as ServerResponse;
	for (const manner of browserManners()) {
		manner(request, response, () => undefined);
	}
	const vary = headers.get("Vary");
	headers.delete("Vary");
	return { headers: [...headers].flat(), vary: vary ? `${vary}, ` : "" };
}
