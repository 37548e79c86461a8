import type { Server, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as wait } from "node:timers/promises";
import type { Service } from "moleculer";
import ApiGateway from "moleculer-web";
import { service } from "../../broker/schema.ts";
import { responseCacheOf } from "../../cache/response-cache.ts";
import { settings } from "../../config/settings.ts";
import { actionContract, contracts } from "../../contracts/actions.ts";
import { problem } from "../../contracts/problems.ts";
import { sendMetrics } from "../../observability/server.ts";
import { metricsTargets } from "../../observability/targets.ts";
import { Addresses } from "./addresses.ts";
import { sendJson } from "./answering.ts";
import { readBody } from "./body.ts";
import { closingOf } from "./closing.ts";
import { docsAssets, docsPages } from "./docs.ts";
import { isFromProxy, publicAddress } from "./forwarded.ts";
import type { Gateway, Request } from "./gateway.ts";
import { readiness } from "./health.ts";
import { hasMailbox, mailboxPage, mailPage } from "./mailbox.ts";
import { openApiDocument } from "./openapi.ts";
import { Pages } from "./pages.ts";
import { asProblem, preferredLanguage, problemAnswer } from "./problems.ts";
import { decodeQuery } from "./query.ts";
import { clientAddress, rateLimiter } from "./rate-limit.ts";
import { logOfRequest } from "./request-log.ts";
import { pathParameters } from "./requests.ts";
import { browserHeaders, responseMiddlewares } from "./response-middlewares.ts";
import { aliases, endpoints, newest, versions } from "./routes.ts";
import { createHttpServer } from "./server.ts";
import { idOf, serve } from "./serving.ts";

const RETRY_AFTER_SECONDS = 1;
/** Maximum time that a starting gateway waits to discover all services. */
const DISCOVERY_MS = 2000;
/**
 * Time for which a stopping gateway still accepts requests, until load balancers notice; shorter if no client is
 * connected.
 */
const DRAIN_MS = 1000;
const POLL_MS = 25;

/** Route settings for requests that moleculer-web handles itself; calls of actions are in serving.ts. */
const route = {
	// The parsers of moleculer-web ignore bodies of other types; body.ts refuses them.
	bodyParsers: false,
	use: [answerOptions, refuseWrongBody],
	// A line for each request takes more time than the request.
	logging: false,
};

export default service<Gateway>({
	name: "api",
	// The gateway offers no other actions to other nodes, which could list and change its routes.
	mixins: [
		{
			...ApiGateway,
			actions: { rest: ApiGateway.actions?.rest ?? false },
			// In this order, because clients send requests as soon as the gateway listens.
			started: [meetServices, ApiGateway.started as () => Promise<void>],
			stopped: close,
		},
	],

	settings: {
		port: settings.port,
		ip: settings.host,
		logRouteRegistration: null,
		qsOptions: { decoder: decodeQuery },
		use: responseMiddlewares(),
		rootCallOptions: giveRequestId,
		// Not by `autoAliases`, which misses the services that a starting gateway has not discovered yet.
		routes: [
			...versions().map((version) => ({
				...route,
				name: `v${version}`,
				path: `/api/v${version}`,
				aliases: aliases(endpoints(false).filter(({ of }) => of.version === version)),
			})),
			{ ...route, name: "newest", path: "/api", aliases: aliases(newest()) },
			{
				...route,
				name: "outermost",
				path: "/",
				aliases: {
					...aliases(endpoints(true)),
					...answering("/health", (_request, response) => {
						sendJson(response, 200, { status: "healthy", service: "api-gateway" });
					}),
					...answering("/health/live", (_request, response) => {
						sendJson(response, 200, { status: "alive", service: "api-gateway" });
					}),
					...answering("/health/ready", async function (this: Gateway, _request, response) {
						const state = await readiness(this.broker, this.isStopping);
						sendJson(response, state.status === "ready" ? 200 : 503, state);
					}),
					...answering("/metrics", (_request, response) => sendMetrics(response)),
					...answering("/metrics/targets", function (this: Gateway, _request, response) {
						sendJson(response, 200, metricsTargets(this.broker));
					}),
					...answering("/openapi.json", function (this: Gateway, request, response) {
						const { origin, prefix } = this.publicAddress(request);
						sendJson(response, 200, openApiDocument(`${origin}${prefix}`));
					}),
					...Object.assign({}, ...docsPages.map(([path, send]) => page(path, send))),
					...Object.assign({}, ...docsAssets.map(([path, answer]) => answering(path, answer))),
					...(hasMailbox()
						? { ...answering("/dev/mailbox", mailboxPage), ...answering("/dev/mailbox/:name", mailPage) }
						: {}),
				},
			},
		],
		onError(this: Gateway, request: Request, response: ServerResponse, error: unknown) {
			this.sendProblem(request, response, error);
		},
	},

	methods: {
		/** Creates a server with limits that the settings of moleculer-web lack, and with the fast path of serving.ts. */
		createServer(this: Gateway) {
			this.server = createHttpServer((request, response) => serve(this, request, response), {
				keep_alive_ms: settings.keepAliveSeconds * 1000,
			});
			this.closing = closingOf(this.server);
		},

		/**
		 * Reports that the gateway is not ready, closes client connections with their next response, and stops after the
		 * last response.
		 */
		async drain(this: Gateway) {
			this.isStopping = true;
			this.closing.begin();
			const deadline = Date.now() + DRAIN_MS;
			while (Date.now() < deadline && (await openConnections(this.server)) > 0) {
				await wait(POLL_MS);
			}
			await this.closing.finish();
		},

		/** Sends an error in the format of RFC 9457, and logs those that are a bug. */
		sendProblem(this: Gateway, request: Request, response: ServerResponse, error: unknown) {
			if (response.headersSent) {
				response.destroy();
				return;
			}
			const found = asProblem(error);
			const instance = String(response.getHeader("x-request-id") ?? "");
			const language = preferredLanguage(request.headers["accept-language"]);
			const answer = problemAnswer(refine(request, found), instance, language);
			response.setHeader("Content-Language", language);
			response.appendHeader("Vary", "Accept-Language");
			if (answer.status === 500) {
				const why = error instanceof Error ? error.stack : String(error);
				const trace = request.$span ? `, trace ${request.$span.trace_id}` : "";
				logOfRequest(this, request, instance, () =>
					this.logger.error(
						`${request.method} ${request.parsedUrl} failed (request id ${instance}${trace}): ${why}`,
					),
				);
			}
			if (answer.status === 503 || answer.status === 429) {
				response.setHeader("Retry-After", String(found.data.retry_after_s ?? RETRY_AFTER_SECONDS));
			}
			if (answer.status === 405) {
				response.setHeader("Allow", this.addresses.methodsAt(request.parsedUrl ?? "").join(", "));
			}
			if (answer.status === 401) {
				response.setHeader("WWW-Authenticate", "Bearer");
			}
			// The rest of a refused body is read and discarded, so that the client can read the response.
			request.resume();
			sendJson(response, answer.status, answer, "application/problem+json; charset=utf-8");
		},

		/** Responds that nothing is at this address, or not with this method, for which moleculer-web responds 404 too. */
		send404(this: Gateway, request: Request, response: ServerResponse) {
			if (request.method === "OPTIONS" && /^\/\*?$/.test(request.parsedUrl ?? "")) {
				// For the server as a whole (RFC 9110, 9.3.7); HAProxy uses it as a health check.
				response.writeHead(204, { Allow: "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT" }).end();
				return;
			}
			const methods = this.addresses.methodsAt(request.parsedUrl ?? "");
			this.sendError(request, response, problem(methods.length > 0 ? "METHOD_NOT_ALLOWED" : "NOT_FOUND"));
		},
	},

	created() {
		this.isStopping = false;
		this.limiter = rateLimiter();
		this.clientOf = clientAddress();
		this.publicAddress = publicAddress();
		this.isFromProxy = isFromProxy();
		this.browserHeaders = browserHeaders();
		this.cache = responseCacheOf(this.broker);
		this.pages = new Pages(this.cache);
		this.addresses = new Addresses(this.aliases);
	},
});

/**
 * Waits until every service is known, if there are other nodes. The time is limited: calls of an unavailable service
 * get 503.
 */
async function meetServices(this: Service): Promise<void> {
	if (this.broker.registry.getNodeList({ onlyAvailable: true }).length === 1) {
		return;
	}
	const names = contracts.map(({ name, version }) => ({ name, version }));
	await this.waitForServices(names, DISCOVERY_MS).catch(() => undefined);
}

/** Closes a gateway that was not drained before; moleculer-web would wait for connections without a request. */
async function close(this: Service): Promise<void> {
	const { closing, server } = this as Gateway;
	if (server.listening) {
		closing.begin();
		await closing.finish();
	}
}

/** Returns the address of a started gateway. */
export function gatewayAddress(gateway: Service): string {
	const { address, port, family } = (gateway as Gateway).server.address() as AddressInfo;
	return `http://${family === "IPv6" ? `[${address}]` : address}:${port}`;
}

function openConnections(server: Server): Promise<number> {
	return new Promise((resolve) =>
		server.getConnections((error, connections) => resolve(error ? 0 : connections)),
	);
}

/** Replaces the id that moleculer-web takes from the client unchecked, and returns to it. */
function giveRequestId(options: { requestID?: string }, request: Request): void {
	options.requestID = idOf(request);
}

type Next = (error?: unknown) => void;

function refuseWrongBody(this: Gateway, request: Request, response: ServerResponse, next: Next): void {
	Promise.resolve(readBody(request, response)).then(() => next(), next);
}

/** Responds to OPTIONS, because moleculer-web would run the action of the method that a preflight asks about. */
function answerOptions(this: Gateway, request: Request, response: ServerResponse, next: Next): void {
	const methods = request.method === "OPTIONS" ? this.addresses.methodsAt(request.parsedUrl ?? "") : [];
	if (methods.length === 0) {
		next();
		return;
	}
	response.writeHead(204, { Allow: methods.join(", ") });
	response.end();
}

/**
 * Refines an error. An invalid path parameter identifies nothing, so it is 404 instead of 422. A health check that
 * times out means that the service is unavailable.
 */
function refine(request: Request, found: ReturnType<typeof asProblem>): ReturnType<typeof asProblem> {
	const name = request.$action ?? "";
	const contract = actionContract(name);
	if (found.code === "TIMED_OUT" && name.endsWith(".health")) {
		return { code: "UNAVAILABLE", data: { service: name.split(".")[1] } };
	}
	if (found.code !== "VALIDATION_FAILED" || found.data.is_misplaced || !contract) {
		return found;
	}
	const inPath = pathParameters(contract);
	const names = (found.data.errors ?? []).map((error) => error.path.split(".")[0] as string);
	return names.some((name) => inPath.includes(name)) ? { code: "NOT_FOUND", data: {} } : found;
}

type Answer = (this: Gateway, request: Request, response: ServerResponse) => void | Promise<void>;

/** Returns aliases for GET and HEAD of an address that the gateway handles itself. */
function answering(path: string, answer: Answer) {
	const handler = function (
		this: Gateway,
		request: Request,
		response: ServerResponse,
		next: (error?: unknown) => void,
	) {
		Promise.resolve(answer.call(this, request, response)).catch(next);
	};
	return { [`GET ${path}`]: handler, [`HEAD ${path}`]: handler };
}

/** Returns aliases for a page or script that depends on the prefix of its address. */
function page(path: string, send: (response: ServerResponse, prefix: string) => void) {
	return answering(path, function (this: Gateway, request, response) {
		send(response, this.publicAddress(request).prefix);
	});
}
