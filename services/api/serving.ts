import { randomUUID } from "node:crypto";
import type { ServerResponse } from "node:http";
import type { CallingOptions, Context } from "moleculer";
import { allActions, type DeclaredAction } from "../../contracts/actions.ts";
import { PARSED, type Parsed } from "../../contracts/contract.ts";
import { TRACED, type Traced } from "../../mixins/answer-cache.ts";
import { CALLS_METRIC } from "../../mixins/metrics.ts";
import type { Found } from "./addresses.ts";
import { type Answer, headOf, nextPage, sendAnswer, tagOf, withLink } from "./answering.ts";
import { readBody } from "./body.ts";
import { Body } from "./encodings.ts";
import type { Gateway, Request } from "./gateway.ts";
import { readRequest } from "./reading.ts";

/**
 * Answers a request: with a page that is ready, by a call where its address is an action's, by moleculer-web otherwise. Pages
 * and calls do not pass through the layers of moleculer-web, which cost more than what they are for.
 */
export function serve(gateway: Gateway, request: Request, response: ServerResponse): void {
	const page = gateway.pages.find(request);
	const limited = page && gateway.limiter?.(gateway.clientOf(request));
	if (page && limited) {
		// The whole way tells who has asked too often.
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
	const prefix = page.next === undefined ? "" : gateway.publicAddress(request).prefix;
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

/** The action at a request's address; `OPTIONS` and what is no action's is for moleculer-web. */
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
	const call = gateway.broker.call(action, params, {
		meta,
		requestID: id,
		[TRACED]: traced,
	} as CallingOptions) as Promise<unknown> & { ctx?: Context };
	const data = await call;
	const declared = allActions().get(action) as DeclaredAction;
	const head = headOf(declared);
	const answer = {
		...head,
		status: meta.$statusCode ?? head.status,
		...bodyOf(gateway, data, traced, head.isForAll),
	};
	const next = Array.isArray(data)
		? nextPage(
				request.originalUrl as string,
				data.length,
				(traced.cached?.params ??
					(call.ctx as Parsed | undefined)?.[PARSED] ??
					declared.contract.params.safeParse(params).data) as Parameters<typeof nextPage>[2],
				traced.cached ? traced.cached.next : meta.$next,
			)
		: undefined;
	if (traced.cached && traced.age_s === undefined) {
		gateway.pages.add(request.originalUrl as string, { cached: traced.cached, answer: { ...answer }, next });
	}
	let { headers } = answer;
	if (traced.age_s !== undefined) {
		headers = [...headers, "Age", String(traced.age_s)];
	}
	if (next !== undefined || (answer.status === 201 && meta.$location !== undefined)) {
		const { prefix } = gateway.publicAddress(request);
		headers = next === undefined ? headers : withLink(headers, prefix, next);
		headers = answer.status === 201 ? [...headers, "Location", `${prefix}${meta.$location}`] : headers;
	}
	await sendAnswer(request, response, { ...answer, headers }, id, gateway.browserHeaders(request));
}

function bodyOf(
	gateway: Gateway,
	data: unknown,
	{ cached }: Traced,
	isForAll: boolean,
): Pick<Answer, "body" | "tag"> {
	if (cached) {
		return gateway.pages.render(cached);
	}
	if (data === null || data === undefined) {
		return { body: undefined, tag: undefined };
	}
	const text = JSON.stringify(data);
	return { body: new Body(text), tag: isForAll ? tagOf(text) : undefined };
}

/** Tells a problem as any other answer is told: with headers for browsers, compressed where it is long. */
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
	gateway.compress(request, response, () => gateway.sendProblem(request, response, error));
}

/** A client may choose a request's id, as long as it is safe to log and send back. */
export function idOf(request: Request): string {
	const given = request.headers["x-request-id"];
	return typeof given === "string" && /^[\w.-]{8,64}$/.test(given) ? given : randomUUID();
}
