import {
	exportRequest,
	isRequestSampled,
	isTraced,
	parseTraceparent,
	RequestSpan,
	Span,
	type SpanContext,
	type SpanOptions,
	startSpan,
	withSpans,
} from "../../observability/tracing.ts";
import type { Gateway, Request } from "./gateway.ts";
import type { EndedRequest } from "./measuring.ts";
import { routeMethodOf } from "./route-method.ts";

/**
 * Runs work as the span of a request to an action, which ends with the response. A `traceparent` continues a trace only if it
 * comes through a proxy of `TRUST_PROXY`: a stranger's becomes a link, and does not decide about sampling.
 */
export function inRequestSpan<T>(gateway: Gateway, request: Request, begun: number, work: () => T): T {
	if (!isTraced()) {
		return work();
	}
	const span = startSpan(parentOf(gateway, request), optionsOf(gateway, request, begun));
	if (!span) {
		return work();
	}
	request.$span = span;
	return withSpans(span.alone, work);
}

/**
 * Ends the span of a request whose response has ended. One that was answered from the cached pages gets its span only now, if it is
 * exported: most are not.
 */
export function endRequestSpan(gateway: Gateway, request: Request, ended: EndedRequest): void {
	// Of a fault of the shop.
	const failure = ended.status >= 500 ? String(ended.status) : undefined;
	if (request.$isCached && isTraced()) {
		if (failure === undefined) {
			exportCached(gateway, request, ended);
			return;
		}
		request.$span = startSpan(parentOf(gateway, request), optionsOf(gateway, request, ended.begun));
	}
	const span = request.$span;
	if (span instanceof Span) {
		span.attributes = routeMethodOf(request).outcome(ended.status).attributes;
		span.error_type = failure;
		span.hasFailed = failure !== undefined;
		span.end();
	}
}

function exportCached(gateway: Gateway, request: Request, { status, begun, ended }: EndedRequest): void {
	const parent = parentOf(gateway, request);
	if (isRequestSampled(parent)) {
		const route = routeMethodOf(request);
		const { attributes } = route.outcome(status);
		const links = linksOf(gateway, request);
		const span = new RequestSpan(parent, links, { name: route.name, attributes }, begun, ended);
		exportRequest(span);
		request.$span = span;
	}
}

/** Returns the span that a request is a part of: only a proxy's, so that others do not decide about sampling. */
function parentOf(gateway: Gateway, request: Request): SpanContext | undefined {
	return gateway.isFromProxy(request) ? parseTraceparent(request.headers.traceparent) : undefined;
}

/** Returns the span of a stranger that a request is linked to. */
function linksOf(gateway: Gateway, request: Request): readonly SpanContext[] {
	const given = gateway.isFromProxy(request) ? undefined : parseTraceparent(request.headers.traceparent);
	return given ? [given] : NO_LINKS;
}

const NO_LINKS: readonly SpanContext[] = [];

/** Returns the options of a request's span, which gets its attributes at its end. */
function optionsOf(gateway: Gateway, request: Request, begun: number): SpanOptions {
	const { name } = routeMethodOf(request);
	return { name, kind: "server", isEntry: true, links: linksOf(gateway, request), begun };
}
