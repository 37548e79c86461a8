import { randomUUID } from "node:crypto";
import type { ServerResponse } from "node:http";
import type { CallingOptions, Context } from "moleculer";
import { CALLS_METRIC } from "../../broker/metrics.ts";
import { type CachedResponse, TRACED, type Traced } from "../../cache/response-cache.ts";
import { allActions, type DeclaredAction } from "../../contracts/actions.ts";
import { paramsOf } from "../../contracts/contract.ts";
import type { Found } from "./addresses.ts";
import { type Answer, headOf, linkTo, nextPage, sendAnswer, tagOf } from "./answering.ts";
import { readBody } from "./body.ts";
import { Body } from "./encodings.ts";
import type { Gateway, Request } from "./gateway.ts";
import { readRequest } from "./reading.ts";

/**
 * Serves a request: from the cached pages, else by a call if an action is at its address, else by moleculer-web. Pages
 * and calls bypass the layers of moleculer-web, which cost more than they are worth here.
 */
export function serve(gateway: Gateway, request: Request, response: ServerResponse): void {
	const page = gateway.pages.find(request);
	const limited = page && gateway.limiter?.(gateway.clientOf(request));
	if (page && limited) {
		// The call path sends the error of the rate limit.
		limited.then(
			() => send(gateway, request, response, page),
			() => serveByCall(gateway, request, response),
		);
	} else if (page) {
		send(gateway, request, response, page);
	} else {
		serveByCall(gateway, request, response);
	}
}

type Page = NonNullable<ReturnType<Gateway["pages"]["find"]>>;

function send(gateway: Gateway, request: Request, response: ServerResponse, page: Page): void {
	const prefix = page.next === undefined ? "" : prefixOf(gateway, request);
	gateway.broker.metrics.increment(CALLS_METRIC);
	const id = idOf(request);
	gateway.pages
		.send(request, response, page, id, gateway.browserHeaders(request), prefix)
		?.catch((error) => fail(gateway, request, response, error, id));
}

async function serveByCall(gateway: Gateway, request: Request, response: ServerResponse): Promise<void> {
	const id = idOf(request);
	let found: Found | undefined;
	try {
		found = findAction(gateway, request);
		if (found === undefined) {
			gateway.httpHandler(request, response);
			return;
		}
		gateway.broker.metrics.increment(CALLS_METRIC);
		await gateway.limiter?.(gateway.clientOf(request));
		await answerByCall(gateway, request, response, found, id);
	} catch (error) {
		fail(gateway, request, response, error, id);
	}
}

/** Returns the action at a request's address; `OPTIONS` and other addresses are left to moleculer-web. */
function findAction(gateway: Gateway, request: Request): Found | undefined {
	const url = request.url as string;
	const end = url.indexOf("?", 1);
	const path = end === -1 ? url : url.slice(0, end);
	request.originalUrl = url;
	request.parsedUrl = path.length > 1 && path.endsWith("/") ? path.slice(0, -1) : path;
	return gateway.addresses.find(request.method as string, request.parsedUrl);
}

async function answerByCall(
	gateway: Gateway,
	request: Request,
	response: ServerResponse,
	{ action, path }: Found,
	id: string,
): Promise<void> {
	request.$action = action;
	const { query } = gateway.parseQueryString(request);
	await readBody(request, response);
	gateway.addresses.refuseNames(request.method as string, request.parsedUrl as string);
	const { params, meta } = readRequest(action, request, { query, path });
	meta.client = gateway.clientOf(request);
	request.$trace = meta.traceparent;
	const traced: Traced = {};
	const options = { meta, requestID: id, [TRACED]: traced } as CallingOptions;
	const call = gateway.broker.call(action, params, options) as Promise<unknown> & { ctx?: Context };
	const data = await call;
	const declared = allActions().get(action) as DeclaredAction;
	const url = request.originalUrl as string;
	const { cached, age_s } = traced;
	const read = () => cached?.params ?? paramsOf(declared.contract, params, call.ctx);
	const next = Array.isArray(data)
		? nextPage(url, data.length, read(), cached ? cached.next : meta.$next)
		: undefined;
	const answer = cached ? pageOf(gateway, declared, cached) : answerOf(declared, data, meta.$statusCode);
	if (cached && age_s === undefined) {
		gateway.pages.add(url, { cached, answer, next });
	}
	const headers = [...answer.headers];
	if (age_s !== undefined) {
		headers.push("Age", String(age_s));
	}
	if (next !== undefined) {
		headers.push("Link", linkTo(next, prefixOf(gateway, request)));
	}
	if (answer.status === 201 && meta.$location !== undefined) {
		headers.push("Location", `${prefixOf(gateway, request)}${meta.$location}`);
	}
	await sendAnswer(request, response, { ...answer, headers }, id, gateway.browserHeaders(request));
}

function pageOf(gateway: Gateway, declared: DeclaredAction, cached: CachedResponse): Answer {
	return { ...headOf(declared), ...gateway.pages.render(cached) };
}

function answerOf(declared: DeclaredAction, data: unknown, status: number | undefined): Answer {
	const head = headOf(declared);
	const text = data === null || data === undefined ? undefined : JSON.stringify(data);
	return {
		status: status ?? head.status,
		headers: head.headers,
		body: text === undefined ? undefined : new Body(text),
		tag: text !== undefined && head.isForAll ? tagOf(text) : undefined,
	};
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
	const given = request.headers["x-request-id"];
	return typeof given === "string" && /^[\w.-]{8,64}$/.test(given) ? given : randomUUID();
}
