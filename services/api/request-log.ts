import { userOfToken } from "../../broker/token-users.ts";
import { settings } from "../../config/settings.ts";
import { logAs } from "../../observability/log-context.ts";
import { withSpans } from "../../observability/tracing.ts";
import type { Gateway, Request } from "./gateway.ts";
import type { EndedRequest } from "./measuring.ts";
import { tokenOf } from "./reading.ts";
import { routeMethodOf } from "./route-method.ts";

/** Duration from which a request is logged as slow. */
const SLOW_MS = 1000;
/** Maximum number of other requests that are logged in a second, unless all are: a line costs as much as a cached response. */
const SAMPLED_MAX = 20;

/**
 * Logs a request that failed (5xx) or was slow, and `LOG_SAMPLE` of the others. The line has the pattern of its address: a query
 * or a body may be about a person.
 */
export function logRequest(
	gateway: Gateway,
	request: Request,
	{ id, status, begun, ended }: EndedRequest,
): void {
	const duration_ms = ended - begun;
	const isNotable = status >= 500 || duration_ms > SLOW_MS;
	const { logSample } = settings;
	if (!isNotable && (logSample === 0 || Math.random() >= logSample || !hasRoom(logSample))) {
		return;
	}
	const { method, route } = routeMethodOf(request);
	const http_route = route || "unknown";
	const fields = { method, http_route, status, duration_ms: Math.round(duration_ms) };
	const text = `${method} ${http_route} ${status} in ${fields.duration_ms} ms`;
	const level = isNotable ? "warn" : "info";
	logOfRequest(gateway, request, id, () => gateway.logger[level](fields as never, text));
}

/** Writes a line of a request, which names its trace, its id and its user. */
export function logOfRequest(gateway: Gateway, request: Request, id: string, write: () => void): void {
	void userOfToken(gateway.broker, tokenOf(request.headers)).then((user) =>
		withSpans(request.$span ? [request.$span] : [], () =>
			logAs({ requestID: id, locals: { caller: { id: user ?? null } } }, write),
		),
	);
}

let second = 0;
let sampled = 0;

/** Counts a sampled line. Returns false if this second has enough of them. */
function hasRoom(logSample: number): boolean {
	const now = Math.floor(performance.now() / 1000);
	sampled = now === second ? sampled + 1 : 1;
	second = now;
	return logSample === 1 || sampled <= SAMPLED_MAX;
}
