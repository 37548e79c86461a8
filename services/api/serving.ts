import { randomUUID } from "node:crypto";
import type { ServerResponse } from "node:http";
import type { CallingOptions, Context } from "moleculer";
import { allActions, type DeclaredAction } from "../../contracts/actions.ts";
import { locationOf, paramsOf } from "../../contracts/contract.ts";
import type { DocumentContent } from "../../contracts/documents.ts";
import { isRequestId } from "../../observability/log-context.ts";
import { withSpans } from "../../observability/tracing.ts";
import type { Found } from "./addresses.ts";
import { type Answer, answerOf, contentOf, headOf, linkTo, nextPage, sendAnswer } from "./answering.ts";
import { readBody } from "./body.ts";
import { type DocumentKind, sendDocument } from "./documents.ts";
import type { Gateway, Request } from "./gateway.ts";
import { measureRequest, statusOf } from "./measuring.ts";
import { readRequest } from "./reading.ts";
import { logRequest } from "./request-log.ts";
import { endRequestSpan, inRequestSpan } from "./tracing.ts";

/**
 * Serves a request: from the cached pages, else by a call if an action is at its address, else by moleculer-web. Pages
 * and calls bypass moleculer-web, which runs an action of its own for each request, and compares all its aliases.
 */
export async function serve(gateway: Gateway, request: Request, response: ServerResponse): Promise<void> {
	const id = idOf(request);
	const begun = performance.now();
	// One listener for all: cached responses take little more time than it.
	response.on("close", () => {
		const ended = { id, status: statusOf(response), begun, ended: performance.now() };
		endRequestSpan(gateway, request, ended);
		measureRequest(request, ended);
		logRequest(gateway, request, ended);
	});
	try {
		const page = gateway.pages.find(request);
		if (gateway.limiter) {
			await gateway.limiter(gateway.clientOf(request));
		}
		if (page) {
			request.$action = page.cached.action;
			gateway.cache.count(page.cached.action, "hit");
			request.$isCached = true;
			await send(gateway, request, response, id, page);
			return;
		}
		const { query, url } = gateway.parseQueryString(request);
		request.parsedUrl = url.length > 1 && url.endsWith("/") ? url.slice(0, -1) : url;
		const found = gateway.addresses.find(request.method as string, request.parsedUrl);
		if (found) {
			request.$action = found.action;
			await inRequestSpan(gateway, request, begun, () =>
				answerByCall(gateway, request, response, id, { ...found, query }),
			);
		} else {
			gateway.httpHandler(request, response);
		}
	} catch (error) {
		withSpans(request.$span ? [request.$span] : [], () => fail(gateway, request, response, error, id));
	}
}

async function answerByCall(
	gateway: Gateway,
	request: Request,
	response: ServerResponse,
	id: string,
	{ action, path, query }: Found & { query: Record<string, unknown> },
): Promise<void> {
	const url = request.url as string;
	await readBody(request, response);
	const { params, meta } = readRequest(action, request, { query, path });
	meta.client = gateway.clientOf(request);
	const options = { meta, requestID: id } as CallingOptions;
	const declared = allActions().get(action) as DeclaredAction;
	const { contract, of } = declared;

	const remembered = await gateway.cache.remember(action, contract, params, options);
	if (remembered) {
		const { response: cached, age_s } = remembered;
		const { content, cursor } = contentOf(contract, cached.answer);
		const next = nextPage(url, content, cursor, () => cached.params);
		const page = { cached, answer: { ...headOf(declared), ...gateway.pages.render(cached, content) }, next };
		if (age_s === undefined) {
			gateway.pages.add(url, page);
		}
		await send(gateway, request, response, id, page, age_s === undefined ? [] : ["Age", String(age_s)]);
		return;
	}

	const call = gateway.broker.call(action, params, options) as Promise<unknown> & { ctx?: Context };
	const result = await call;
	if (contract.rest?.isDocument) {
		const { headers } = headOf(declared);
		const given = ["X-Request-ID", id, ...headers];
		const browser = gateway.browserHeaders(request);
		await sendDocument(
			response,
			params as unknown as DocumentKind,
			result as DocumentContent,
			given,
			browser,
		);
		return;
	}
	const parsed = () => paramsOf(contract, params, call.ctx);
	const { content, cursor } = contentOf(contract, result);
	const next = nextPage(url, content, cursor, parsed);
	const status = contract.rest?.isFound?.(result as never)
		? 200
		: contract.rest?.isAccepted?.(result, parsed() as never)
			? 202
			: undefined;
	const location = locationOf(contract, of.version, result);
	await send(
		gateway,
		request,
		response,
		id,
		{ answer: answerOf(declared, content, status), next },
		location === undefined ? [] : ["Location", `${prefixOf(gateway, request)}${location}`],
	);
}

/**
 * Sends a response with its browser headers, and with a link to the next page that includes the prefix by which the
 * client reaches the shop.
 */
function send(
	gateway: Gateway,
	request: Request,
	response: ServerResponse,
	id: string,
	{ answer, next }: { answer: Answer; next: string | undefined },
	headers: string[] = [],
): Promise<void> | undefined {
	const links = next === undefined ? [] : ["Link", linkTo(next, prefixOf(gateway, request))];
	const all = [...answer.headers, ...headers, ...links];
	return sendAnswer(request, response, { ...answer, headers: all }, id, gateway.browserHeaders(request));
}

/** Sends an error, with the browser headers that every response has. */
function fail(
	gateway: Gateway,
	request: Request,
	response: ServerResponse,
	error: unknown,
	id: string,
): void {
	if (response.headersSent) {
		response.destroy();
		return;
	}
	response.setHeader("X-Request-ID", id);
	const { headers, vary } = gateway.browserHeaders(request);
	for (let place = 0; place < headers.length; place += 2) {
		response.setHeader(headers[place] as string, headers[place + 1] as string);
	}
	if (vary !== "") {
		response.setHeader("Vary", vary.slice(0, -2));
	}
	gateway.sendProblem(request, response, error);
}

/** Returns the prefix that proxies have removed from the path, for links. */
function prefixOf(gateway: Gateway, request: Request): string {
	return request.headers["x-forwarded-prefix"] === undefined ? "" : gateway.publicAddress(request).prefix;
}

/** Returns the request's id, which a client may choose if it is safe to log and return. */
export function idOf(request: Request): string {
	const header = request.headers["x-request-id"];
	return isRequestId(header) ? header : randomUUID();
}
