import { problem } from "../../contracts/problems.ts";

/**
 * Decodes a name or value of a query string.
 *
 * @throws MALFORMED_QUERY if it is not UTF-8 in percent-encoding, which other decoders pass through unchanged.
 */
export function decodeQuery(part: string): string {
	try {
		return decodeURIComponent(part.replaceAll("+", " "));
	} catch {
		throw problem("MALFORMED_QUERY");
	}
}
