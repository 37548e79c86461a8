import { isUtf8 } from "node:buffer";
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from "node:http";
import { promisify } from "node:util";
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

/** Parses an object or an array. Bytes that are not UTF-8 are refused: a replacement character would be stored. */
const parseJson = promisify(
	ApiGateway.bodyParser.json({
		limit: BODY_LIMIT,
		verify(request: WithBody, _response: ServerResponse, raw: Buffer) {
			if (!isUtf8(raw)) {
				throw problem("MALFORMED_BODY");
			}
			request.raw = raw;
		},
	}),
) as (request: WithBody, response: ServerResponse) => Promise<void>;

/**
 * Reads a JSON body of at most 256 KiB, if there is one.
 *
 * @throws BODY_TOO_LARGE, UNSUPPORTED_MEDIA_TYPE, MALFORMED_BODY
 */
export async function readBody(request: WithBody, response: ServerResponse): Promise<void> {
	const { headers } = request;
	if (!bringsBody(headers)) {
		return;
	}
	await findBody(request);
	if (!bringsBody(headers)) {
		return;
	}
	if (!isJson(request)) {
		throw problem("UNSUPPORTED_MEDIA_TYPE");
	}
	// The parser knows neither all names of JSON and UTF-8 nor the older one of gzip (RFC 9110, 8.4.1.3).
	headers["content-type"] = "application/json";
	if (/^\s*x-gzip\s*$/i.test(headers["content-encoding"] ?? "")) {
		headers["content-encoding"] = "gzip";
	}
	await parseJson(request, response).catch((error) => {
		throw whyRefused(error);
	});
}

/**
 * Removes the headers of a body from a request without one: proxies announce chunks and send no byte (RFC 9112, 7.1),
 * clients send a length of 0.
 */
async function findBody(request: IncomingMessage): Promise<void> {
	const { headers } = request;
	if (headers["transfer-encoding"] === undefined) {
		if (Number(headers["content-length"] ?? 0) === 0) {
			delete headers["content-length"];
		}
		return;
	}
	const first = await new Promise<Buffer | null>((resolve, reject) => {
		const onRead = (error?: unknown) => {
			request.off("readable", onRead).off("end", onRead).off("error", onRead);
			if (error) {
				reject(error);
			} else {
				resolve(request.read());
			}
		};
		request.on("readable", onRead).on("end", onRead).on("error", onRead);
	});
	if (first === null) {
		delete headers["transfer-encoding"];
	} else {
		request.unshift(first);
	}
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
