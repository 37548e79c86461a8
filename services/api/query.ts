import { problem } from "../../contracts/problems.ts";

/** The address of a request in ASCII: some clients send the bytes of other characters as they are. */
export function asciiAddress(url: string): string {
	return url.replace(/[\x80-\xff]/g, (byte) => `%${byte.charCodeAt(0).toString(16).toUpperCase()}`);
}

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
