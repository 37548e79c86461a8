import type { DocumentContent, DocumentFormat } from "../../../contracts/documents.ts";
import type { Language } from "../../../contracts/languages.ts";
import type { InvoiceDocument } from "./document.ts";
import { toHtml } from "./html.ts";
import { written } from "./words.ts";

/** Renders an invoice or credit note. */
export async function rendered(
	document: InvoiceDocument,
	format: DocumentFormat,
	language: Language,
): Promise<DocumentContent> {
	const text = written(document, language);
	// A prefix may have a slash.
	const file_name = `${document.number.replace(/[^\w-]/g, "-")}.${format}`;
	if (format === "html") {
		return { ...toHtml(text), file_name };
	}
	// Loaded with the first PDF, because reading the fonts would make each start slower.
	const { toPdf } = await import("./pdf.ts");
	return { content: (await toPdf(text)).toString("base64"), file_name, style_digest: null };
}
