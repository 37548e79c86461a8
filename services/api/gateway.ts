import type { RequestListener, Server, ServerResponse } from "node:http";
import type { Context, Service } from "moleculer";
import type { Alias, Route } from "moleculer-web";
import type { Meta } from "../../contracts/actions.ts";
import type { WithBody } from "./body.ts";
import type { Closing } from "./closing.ts";
import type { publicAddress } from "./forwarded.ts";
import type { clientAddress, rateLimiter } from "./rate-limit.ts";

/** A request as moleculer-web hands it on. */
export type Request = WithBody & {
	$ctx?: Context<unknown, Meta & { $responseHeaders?: Record<string, string> }>;
	$params?: unknown;
	$alias?: Alias;
	$route?: Route;
	$endpoint?: string;
	parsedUrl?: string;
	originalUrl?: string;
};

/** The service, as its methods see it. */
export interface Gateway extends Service {
	server: Server;
	closing: Closing;
	isStopping: boolean;
	aliases: (Alias & { method: string; path: string; match(url: string): object | false })[];
	limiter: ReturnType<typeof rateLimiter>;
	clientOf: ReturnType<typeof clientAddress>;
	publicAddress: ReturnType<typeof publicAddress>;
	httpHandler: RequestListener;
	callAction(
		route: Route,
		action: string,
		request: Request,
		response: ServerResponse,
		params: unknown,
	): unknown;
	sendProblem(request: Request, response: ServerResponse, error: unknown): void;
	sendError(request: Request, response: ServerResponse, error: unknown): void;
	methodsAt(path: string): string[];
}
