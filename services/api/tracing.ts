import type { ServerResponse } from "node:http";
import {
	isTraced,
	parseTraceparent,
	recordRequest,
	type SpanContext,
	type SpanOptions,
	startSpan,
	withSpans,
} from "../../observability/tracing.ts";
import type { Gateway, Request } from "./gateway.ts";
import { methodOf, routeOf, statusOf } from "./measuring.ts";

/**
 * Runs work as the span of a request to an action, which ends with the response. A `traceparent` continues a trace only if it
 * comes through a proxy of `TRUST_PROXY`: a stranger's becomes a link, and does not decide about sampling.
 */
export function inRequestSpan<T>(
	gateway: Gateway,
	request: Request,
	response: ServerResponse,
	work: () => T,
): T {
	if (!isTraced()) {
		return work();
	}
	const { parent, links } = givenTrace(gateway, request);
	const span = startSpan(parent, optionsOf(request, response, links));
	if (!span) {
		return work();
	}
	request.$span = span;
	request.$onEnd = () => {
		span.error_type = failureOf(response);
		span.hasFailed = span.error_type !== undefined;
		span.end();
	};
	return withSpans(span.alone, work);
}

/** Records the span of a request to an action that is answered from memory, when the response has ended. */
export function traceCached(gateway: Gateway, request: Request, response: ServerResponse): void {
	if (!isTraced()) {
		return;
	}
	const begun = performance.now();
	request.$onEnd = () => {
		const { parent, links } = givenTrace(gateway, request);
		const options = () => ({ ...optionsOf(request, response, links), begun });
		request.$span = recordRequest(parent, options, failureOf(response));
	};
}

/** Returns the span that a request is a part of, or is linked to. */
function givenTrace(
	gateway: Gateway,
	request: Request,
): { parent?: SpanContext; links: readonly SpanContext[] } {
	const given = parseTraceparent(request.headers.traceparent);
	if (!given) {
		return NO_TRACE;
	}
	return gateway.isFromProxy(request) ? { parent: given, links: [] } : { links: [given] };
}

const NO_TRACE = { links: [] };

function optionsOf(request: Request, response: ServerResponse, links: readonly SpanContext[]): SpanOptions {
	const method = methodOf(request);
	const route = routeOf(request);
	return {
		name: `${method === "_OTHER" ? "HTTP" : method} ${route}`,
		kind: "server",
		isEntry: true,
		attributes: () => ({
			"http.request.method": method,
			"http.route": route,
			"http.response.status_code": statusOf(response),
		}),
		links,
	};
}

/** Returns the status of a request that has failed by a fault of the shop. */
function failureOf(response: ServerResponse): string | undefined {
	const status = statusOf(response);
	return status >= 500 ? String(status) : undefined;
}
