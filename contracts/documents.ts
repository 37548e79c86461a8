import { z } from "zod";

/** Media types of documents by format; the first is sent to a client without a preference. */
export const MEDIA_TYPES = { html: "text/html", pdf: "application/pdf" } as const;

/** Format of a document. */
export type DocumentFormat = keyof typeof MEDIA_TYPES;

/** Parameters of an action that returns a document. Over REST the gateway reads them from the headers. */
export const documentFields = {
	format: z.enum(["html", "pdf"]).default("html"),
	language: z.enum(["en", "id"]).default("en"),
};

/** Header that decides each of them. */
export const DOCUMENT_HEADERS = { format: "Accept", language: "Accept-Language" } as const;

/** A document for people: HTML as text, PDF in Base64. */
export const documentContent = z.strictObject({
	content: z.string(),
	/** Name under which it is saved. */
	file_name: z.string().regex(/^[\w.-]{1,100}$/),
	/** Digest of its only style sheet in the notation of Content-Security-Policy, such as `sha256-…`; null for PDF. */
	style_digest: z.string().nullable(),
});

export type DocumentContent = z.output<typeof documentContent>;
