import type { ServerResponse } from "node:http";
import { isMeasured } from "../../observability/registry.ts";
import type { Request } from "./gateway.ts";
import { routeMethodOf } from "./route-method.ts";

/** Status of a request whose client has gone before the response, as other servers log it. */
const CLIENT_GONE = 499;

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
	if (isMeasured) {
		routeMethodOf(request).outcome(status).durations.observe(begun, ended, request.$span);
	}
}

/** Returns the status of a response that has ended. */
export function statusOf(response: ServerResponse): number {
	return response.writableFinished || response.headersSent ? response.statusCode : CLIENT_GONE;
}
