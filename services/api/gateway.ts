import type { RequestListener, Server, ServerResponse } from "node:http";
import type { Service } from "moleculer";
import type { ResponseCache } from "../../cache/response-cache.ts";
import type { SpanContext } from "../../observability/tracing.ts";
import type { Address, Addresses } from "./addresses.ts";
import type { WithBody } from "./body.ts";
import type { Closing } from "./closing.ts";
import type { isFromProxy, publicAddress } from "./forwarded.ts";
import type { Pages } from "./pages.ts";
import type { clientAddress, rateLimiter } from "./rate-limit.ts";
import type { browserHeaders } from "./response-middlewares.ts";

/** A request in the gateway. */
export type Request = WithBody & {
	/** Path without the query string and without a trailing slash. */
	parsedUrl?: string;
	/** Name of the action at its address. */
	$action?: string;
	/** Where moleculer-web found something that is no action. */
	$alias?: { fullPath: string };
	/** Span of the request, if it is traced. */
	$span?: SpanContext | undefined;
	/** True if it is answered from the cached pages. */
	$isCached?: boolean;
};

/** The gateway service, as its methods see it. */
export interface Gateway extends Service {
	server: Server;
	closing: Closing;
	isStopping: boolean;
	aliases: Address[];
	addresses: Addresses;
	cache: ResponseCache;
	pages: Pages;
	limiter: ReturnType<typeof rateLimiter>;
	clientOf: ReturnType<typeof clientAddress>;
	publicAddress: ReturnType<typeof publicAddress>;
	/** Tells whether a request comes through a proxy of `TRUST_PROXY`. */
	isFromProxy: ReturnType<typeof isFromProxy>;
	browserHeaders: ReturnType<typeof browserHeaders>;
	httpHandler: RequestListener;
	parseQueryString(request: Request): { query: Record<string, unknown>; url: string };
	sendProblem(request: Request, response: ServerResponse, error: unknown): void;
	sendError(request: Request, response: ServerResponse, error: unknown): void;
}
