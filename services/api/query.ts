import { problem } from "../../contracts/problems.ts";

/**
 * A name or value of a query string, decoded.
 *
 * @throws MALFORMED_QUERY where it is not UTF-8 in percent-encoding, which others would take as it is.
 */
export function decodeQuery(part: string): string {
	try {
		return decodeURIComponent(part.replaceAll("+", " "));
	} catch {
		throw problem("MALFORMED_QUERY");
	}
}
