import type { IncomingMessage, ServerResponse } from "node:http";
import compression from "compression";
import cors from "cors";
import helmet from "helmet";
import { settings } from "../../config/settings.ts";

const exposedHeaders = ["Deprecation", "ETag", "Link", "Location", "Retry-After", "Sunset", "X-Request-Id"];

/** An Express middleware. */
export type ExpressMiddleware = (
	request: IncomingMessage,
	response: ServerResponse,
	next: (error?: unknown) => void,
) => void;

/** Returns the middleware for all responses: headers for browsers, and compression. */
export function responseMiddlewares(): ExpressMiddleware[] {
	return [...browserMiddlewares(), compression() as unknown as ExpressMiddleware];
}

function browserMiddlewares(): ExpressMiddleware[] {
	const { corsOrigins } = settings;
	return [
		helmet({
			contentSecurityPolicy: {
				useDefaults: false,
				directives: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] },
			},
		}),
		// No credentials are allowed, because tokens are sent in a header and there are no cookies. The gateway responds to
		// OPTIONS itself. The `cors` of moleculer-web refuses what other origins may have without a browser, and replaces
		// `Vary`.
		...(corsOrigins.length > 0
			? [
					cors({
						origin: [...corsOrigins],
						exposedHeaders,
						maxAge: 600,
						preflightContinue: true,
					}) as ExpressMiddleware,
				]
			: []),
	];
}

/** Headers as `writeHead` takes them, alternating names and values. */
export interface BrowserHeaders {
	headers: readonly string[];
	/** Prefix for the value of `Vary`: empty, or `Origin, `. */
	vary: string;
}

/**
 * Returns a function that returns the browser headers of a response to any method but OPTIONS. They depend only on the
 * request's origin, and are computed once for each allowed one.
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
	for (const middleware of browserMiddlewares()) {
		middleware(request, response, () => undefined);
	}
	const vary = headers.get("Vary");
	headers.delete("Vary");
	return { headers: [...headers].flat(), vary: vary ? `${vary}, ` : "" };
}
