import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from "node:http";
import ApiGateway from "moleculer-web";
import { problem } from "../../contracts/problems.ts";

/** Maximum size of a body; an order of 100 lines with notes has 15 kB. */
const BODY_LIMIT = 256 * 1024;

/** A request whose body has been read. */
export type WithBody = IncomingMessage & {
	/** The body as received: actions verify its signature, and ambiguous numbers are detected in it. */
	raw?: Buffer;
	body?: unknown;
};

type Next = (error?: unknown) => void;
type Step = (request: WithBody, response: ServerResponse, next: Next) => void;

const STEPS = [
	findBody,
	requireJson,
	useUsualNames,
	ApiGateway.bodyParser.raw({ limit: BODY_LIMIT, type: () => true }) as Step,
	parseBody,
];

/**
 * Reads a JSON body of at most 256 KiB. Returns undefined if there is no body.
 *
 * @throws BODY_TOO_LARGE, UNSUPPORTED_MEDIA_TYPE, MALFORMED_BODY
 */
export function readBody(request: WithBody, response: ServerResponse): Promise<void> | undefined {
	const { headers } = request;
	if (!bringsBody(headers)) {
		return undefined;
	}
	return new Promise((resolve, reject) => {
		const step = (place: number) => {
			const run = STEPS[place];
			if (!run) {
				resolve();
				return;
			}
			run(request, response, (error) => {
				if (error) {
					reject(typeof (error as { status?: unknown }).status === "number" ? whyRefused(error) : error);
				} else {
					step(place + 1);
				}
			});
		};
		step(0);
	});
}

/** Drops a byte order mark. */
const UTF_8 = new TextDecoder("utf-8", { fatal: true });

/**
 * Removes the headers of a body from a request without one: proxies announce chunks and send no byte (RFC 9112, 7.1),
 * clients send a length of 0.
 */
function findBody(request: IncomingMessage, _response: ServerResponse, next: Next): void {
	const { headers } = request;
	if (headers["transfer-encoding"] === undefined) {
		if (Number(headers["content-length"] ?? 0) === 0) {
			delete headers["content-length"];
		}
		next();
		return;
	}
	const look = (error?: unknown) => {
		request.off("readable", look).off("end", look).off("error", look);
		const first: Buffer | null = error ? null : request.read();
		if (first === null) {
			delete headers["transfer-encoding"];
		} else {
			request.unshift(first);
		}
		next(error);
	};
	request.on("readable", look).on("end", look).on("error", look);
}

/** Rejects other types before the body is parsed. */
function requireJson(request: IncomingMessage, _response: ServerResponse, next: Next): void {
	next(bringsBody(request.headers) && !isJson(request) ? problem("UNSUPPORTED_MEDIA_TYPE") : undefined);
}

/** Replaces an older name of gzip (RFC 9110, 8.4.1.3), which the parser does not know. */
function useUsualNames({ headers }: IncomingMessage, _response: ServerResponse, next: Next): void {
	if (/^\s*x-gzip\s*$/i.test(headers["content-encoding"] ?? "")) {
		headers["content-encoding"] = "gzip";
	}
	next();
}

/** Parses the body, which must be UTF-8: a replacement character would be stored. */
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
	// Like body-parser's strict mode: rejects a bare value, which no client intends.
	next(typeof request.body === "object" && request.body !== null ? undefined : problem("MALFORMED_BODY"));
}

/** Maps errors of the body parser, which have a `type`; those of a decompressor only have the parser's status. */
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

/** Tells whether a request with these headers may have a body. */
export function bringsBody(headers: IncomingHttpHeaders): boolean {
	return headers["transfer-encoding"] !== undefined || headers["content-length"] !== undefined;
}

/** Tells whether the body is declared as JSON, in the only charset that JSON has (RFC 8259, 8.1). */
function isJson(request: IncomingMessage): boolean {
	const type = request.headers["content-type"] ?? "";
	const charsets = [...type.matchAll(/;\s*charset\s*=\s*"?([^\s";]*)/gi)].map(([, charset]) => charset);
	return (
		/^application\/(json|[\w.-]+\+json)\s*(;|$)/i.test(type) &&
		charsets.every((charset) => /^(utf-?8|(us-)?ascii)$/i.test(charset as string))
	);
}
