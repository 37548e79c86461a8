import type { IncomingMessage, ServerResponse } from "node:http";
import ApiGateway from "moleculer-web";
import { problem } from "../../contracts/problems.ts";

/** The largest body that is read; an order of 100 lines with notes has 15 kB. */
const BODY_LIMIT = 256 * 1024;

/** A request whose body was read. */
export type WithBody = IncomingMessage & {
	/** The body as it came: actions check its signature, and numbers are read from it as they were written. */
	raw?: Buffer;
	body?: unknown;
};

/** The middlewares that read a JSON body of at most 256 KiB, or say why they don't. */
export const readBody = [
	requireJson,
	ApiGateway.bodyParser.raw({ limit: BODY_LIMIT, type: () => true }),
	parseBody,
	refuseBody,
];

/** Leaves out a byte order mark. */
const UTF_8 = new TextDecoder("utf-8", { fatal: true });

type Next = (error?: unknown) => void;

/** Runs before the body is parsed into something else than it says it is. */
function requireJson(request: IncomingMessage, _response: ServerResponse, next: Next): void {
	next(bringsBody(request) && !isJson(request) ? problem("UNSUPPORTED_MEDIA_TYPE") : undefined);
}

/** Parses only what is UTF-8: a character that is replaced by another would be stored. */
function parseBody(request: WithBody, _response: ServerResponse, next: Next): void {
	if (!Buffer.isBuffer(request.body)) {
		next();
		return;
	}
	request.raw = request.body;
	try {
		request.body = request.raw.length === 0 ? {} : JSON.parse(UTF_8.decode(request.raw));
	} catch {
		next(problem("MALFORMED_BODY"));
		return;
	}
	// As body-parser does in its strict mode: no client means a bare value.
	next(typeof request.body === "object" && request.body !== null ? undefined : problem("MALFORMED_BODY"));
}

function refuseBody(error: unknown, _request: IncomingMessage, _response: ServerResponse, next: Next): void {
	next(typeof (error as { status?: unknown }).status === "number" ? whyRefused(error) : error);
}

/** Errors of the body parser have a `type`; those of a decompressor only the status that the parser gave them. */
function whyRefused(error: unknown) {
	switch ((error as { type?: string }).type) {
		case "entity.too.large":
			return problem("BODY_TOO_LARGE", { limit: `${BODY_LIMIT} bytes` });
		case "encoding.unsupported":
		case "charset.unsupported":
			return problem("UNSUPPORTED_MEDIA_TYPE");
		default:
			return problem("MALFORMED_BODY");
	}
}

/** Whether the request brings a body. */
function bringsBody(request: IncomingMessage): boolean {
	return (
		request.headers["transfer-encoding"] !== undefined || Number(request.headers["content-length"] ?? 0) > 0
	);
}

/** Whether the body is declared to be JSON, in the one charset that JSON has (RFC 8259, 8.1). */
function isJson(request: IncomingMessage): boolean {
	const type = request.headers["content-type"] ?? "";
	const charsets = [...type.matchAll(/;\s*charset\s*=\s*"?([^\s";]*)/gi)].map(([, charset]) => charset);
	return (
		/^application\/(json|[\w.-]+\+json)\s*(;|$)/i.test(type) &&
		charsets.every((charset) => /^(utf-?8|us-ascii)$/i.test(charset as string))
	);
}
