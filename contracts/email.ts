import { domainToASCII, domainToUnicode } from "node:url";
import { z } from "zod";

const WRONG = "must be an e-mail address such as budi@toko.test";
/** Characters of the stored form; RFC 5321 leaves room for no more. */
const MAX = 255;
/** Far above what any address needs, so that nothing long is converted. */
const GIVEN_MAX = 2000;

/** Full-width forms of ASCII, as an input method of East Asia types them. */
const FULL_WIDTH = /[\uff01-\uff5e]/g;
/** What cannot be seen, as it comes with copied text; joiners have a meaning in some domains. */
const INVISIBLE = /(?![\u200c\u200d])\p{Default_Ignorable_Code_Point}/gu;
const JOINERS = /[\u200c\u200d]/g;
/** Where a parser of URLs would take a domain to end, or would decode it. */
const DELIMITER = /[\s/\\?#:%@[\]]/;

const LOCAL = /^(?:[A-Za-z0-9_'+-]+\.)*[A-Za-z0-9_'+-]*[A-Za-z0-9_+-]$/;
const DOMAIN = /^(?:[a-z0-9][a-z0-9-]{0,62}\.)+(?:[a-z]{2,63}|xn--[a-z0-9-]{1,59})$/;

/**
 * An address for mail, in the one form in which it is stored and compared: an internationalised domain is its ASCII form
 * (UTS 46), a domain is in lower case, and what cannot be seen is gone. The part before the @ stays as it was given, and
 * is compared without case (`fold`). Quotes, comments and a dot at the end are refused.
 */
export const email = z
	.string()
	.meta({ format: "email", maxLength: MAX })
	.transform((given, ctx) => {
		const address = normalEmail(given);
		if (address === undefined || address.length > MAX) {
			const message = address === undefined ? WRONG : `must have at most ${MAX} characters`;
			ctx.addIssue({ code: "custom", message });
			return z.NEVER;
		}
		return address;
	});

/** An address in its stored form; undefined where it is none. */
function normalEmail(given: string): string | undefined {
	if (given.length > GIVEN_MAX) {
		return undefined;
	}
	const visible = given
		.replace(INVISIBLE, "")
		.trim()
		.replace(FULL_WIDTH, (wide) => String.fromCharCode(wide.charCodeAt(0) - 0xfee0));
	const at = visible.lastIndexOf("@");
	const local = visible.slice(0, Math.max(at, 0)).replace(JOINERS, "");
	const domain = asciiDomain(visible.slice(at + 1));
	return LOCAL.test(local) && domain ? `${local}@${domain}` : undefined;
}

function asciiDomain(given: string): string | undefined {
	const domain = DELIMITER.test(given) ? "" : domainToASCII(given);
	// A label whose punycode cannot be decoded stays as it is.
	const isDecoded = !domainToUnicode(domain)
		.split(".")
		.some((label) => label.startsWith("xn--"));
	return DOMAIN.test(domain) && domain.length <= 253 && isDecoded ? domain : undefined;
}

/**
 * Text as it is compared where case does not count: e-mail addresses and usernames. Both are ASCII, so only A to Z are
 * folded, which is the same in every language. The SQL function `fold` of users does the same.
 */
export function fold(text: string): string {
	return text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}
