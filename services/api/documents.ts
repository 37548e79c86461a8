import type { IncomingHttpHeaders, ServerResponse } from "node:http";
import Negotiator from "negotiator";
import { type DocumentContent, type DocumentFormat, MEDIA_TYPES } from "../../contracts/documents.ts";
import type { Language } from "../../contracts/languages.ts";
import { problem } from "../../contracts/problems.ts";
import { sendBody } from "./answering.ts";
import { Body } from "./encodings.ts";
import { preferredLanguage } from "./problems.ts";
import type { BrowserHeaders } from "./response-middlewares.ts";

/** Format and language of a document. */
export interface DocumentKind {
	format: DocumentFormat;
	language: Language;
}

/** Formats by media type. Charsets matter only to those that name one: `text/html` accepts this type too. */
const FORMATS = new Map<string, DocumentFormat>([
	[`${MEDIA_TYPES.html};charset=utf-8`, "html"],
	[MEDIA_TYPES.pdf, "pdf"],
]);

/**
 * Returns the format and language that a client prefers (RFC 9110, 12.5).
 *
 * @throws NOT_ACCEPTABLE, which names the types, if it accepts none of them.
 */
export function preferredDocument(headers: IncomingHttpHeaders): DocumentKind {
	const accept = headers.accept?.toLowerCase();
	const negotiator = new Negotiator({ headers: accept === undefined ? {} : { accept } });
	const format = FORMATS.get(negotiator.mediaType([...FORMATS.keys()]) ?? "");
	if (!format) {
		throw problem("NOT_ACCEPTABLE", { available: Object.values(MEDIA_TYPES).join(", ") });
	}
	return { format, language: preferredLanguage(headers["accept-language"]) };
}

/**
 * Sends a document. Nothing but its own style sheet may act in it, so text that somebody smuggled into it could not load or
 * run anything.
 */
export function sendDocument(
	response: ServerResponse,
	{ format, language }: DocumentKind,
	{ content, file_name, style_digest }: DocumentContent,
	headers: readonly string[],
	browser: BrowserHeaders,
): Promise<void> | undefined {
	const styles = style_digest === null ? "" : `; style-src '${style_digest}'`;
	const policy = `default-src 'none'${styles}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`;
	const head = [
		...without(browser.headers, "Content-Security-Policy"),
		...headers,
		...["Content-Security-Policy", policy],
		...["Content-Disposition", `inline; filename="${file_name}"`],
		...["Content-Language", language],
		...["Content-Type", format === "html" ? `${MEDIA_TYPES.html}; charset=utf-8` : MEDIA_TYPES[format]],
		...["Vary", `${browser.vary}Accept, Accept-Language, Accept-Encoding`],
	];
	if (format === "html") {
		return sendBody(response, 200, head, new Body(content));
	}
	const bytes = Buffer.from(content, "base64");
	response.writeHead(200, [...head, "Content-Length", String(bytes.length)]);
	response.end(response.req.method === "HEAD" ? undefined : bytes);
	return undefined;
}

/** Returns headers, alternating names and values, without one of them. */
function without(headers: readonly string[], name: string): string[] {
	const place = headers.findIndex((each, index) => index % 2 === 0 && each === name);
	return headers.filter((_, index) => place === -1 || (index !== place && index !== place + 1));
}
