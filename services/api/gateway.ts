import type { RequestListener, Server, ServerResponse } from "node:http";
import type { Service } from "moleculer";
import type { ResponseCache } from "../../cache/response-cache.ts";
import type { Address, Addresses } from "./addresses.ts";
import type { WithBody } from "./body.ts";
import type { Closing } from "./closing.ts";
import type { publicAddress } from "./forwarded.ts";
import type { browserHeaders } from "./manners.ts";
import type { Pages } from "./pages.ts";
import type { clientAddress, rateLimiter } from "./rate-limit.ts";

/** A request in the gateway. */
export type Request = WithBody & {
	/** Path without the query string and without a trailing slash. */
	parsedUrl?: string;
	/** Name of the action at its address. */
	$action?: string;
	/** W3C trace context of the request. */
	$trace?: string | undefined;
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
	browserHeaders: ReturnType<typeof browserHeaders>;
	httpHandler: RequestListener;
	parseQueryString(request: Request): { query: Record<string, unknown>; url: string };
	sendProblem(request: Request, response: ServerResponse, error: unknown): void;
	sendError(request: Request, response: ServerResponse, error: unknown): void;
}
