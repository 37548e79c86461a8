import type { ServerResponse } from "node:http";
import { httpRequests } from "../../observability/metrics.ts";
import { FrequentDurations, isMeasured } from "../../observability/registry.ts";
import type { Request } from "./gateway.ts";
import { endpoints } from "./routes.ts";

const frequent = new FrequentDurations(httpRequests);

const METHODS = new Set(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]);
/** Status of a request whose client has gone before the response, as other servers log it. */
const CLIENT_GONE = 499;

const routes = new Map<string, string>(
	[...endpoints(false), ...endpoints(true)].map(({ name, contract: { rest }, of }) => [
		name,
		rest.outermost ? rest.path : `/api/v${of.version}${rest.path}`,
	]),
);

/** A request whose response has ended. */
export interface EndedRequest {
	id: string;
	status: number;
	/** Values of `performance.now()`. */
	begun: number;
	ended: number;
}

/** Measures a request whose response has ended. */
export function measureRequest(request: Request, { status, begun, ended }: EndedRequest): void {
	if (!isMeasured) {
		return;
	}
	const method = methodOf(request);
	const http_route = routeOf(request);
	frequent.observeSince(
		[http_route, method, status],
		() => ({ method, http_route, status: String(status) }),
		begun,
		request.$span,
		ended,
	);
}

/** Returns the method of a request; `_OTHER` for any that HTTP does not define. */
export function methodOf({ method = "" }: Request): string {
	return METHODS.has(method) ? method : "_OTHER";
}

/** Returns the status of a response that has ended. */
export function statusOf(response: ServerResponse): number {
	return response.writableFinished || response.headersSent ? response.statusCode : CLIENT_GONE;
}

/** Returns the pattern of a request's address, the same with and without a version; empty if nothing is there. */
export function routeOf({ $action, $alias }: Request): string {
	return ($action && routes.get($action)) || $alias?.fullPath || "";
}
