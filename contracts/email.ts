import { domainToASCII, domainToUnicode } from "node:url";
import { z } from "zod";

const WRONG = "must be an e-mail address such as budi@toko.test";
/** Maximum length of the stored form; RFC 5321 allows no more. */
const MAX = 255;
/** Maximum length of the input, far above that of any address, so that no long text is converted. */
const INPUT_MAX = 2000;

/** Full-width forms of ASCII, as East Asian input methods produce them. */
const FULL_WIDTH = /[\uff01-\uff5e]/g;
/** Invisible characters, as copied text may contain them. Joiners are significant in some domains. */
const INVISIBLE = /(?![\u200c\u200d])\p{Default_Ignorable_Code_Point}/gu;
const JOINERS = /[\u200c\u200d]/g;
/** Characters at which a URL parser would end the domain, or which it would decode. */
const DELIMITER = /[\s/\\?#:%@[\]]/;

const LOCAL = /^(?:[A-Za-z0-9_'+-]+\.)*[A-Za-z0-9_'+-]*[A-Za-z0-9_+-]$/;
const DOMAIN = /^(?:[a-z0-9][a-z0-9-]{0,62}\.)+(?:[a-z]{2,63}|xn--[a-z0-9-]{1,59})$/;

/**
 * An e-mail address in its stored form: an internationalised domain is converted to ASCII (UTS 46) and to lower case,
 * and invisible characters are removed. The part before the @ is unchanged, and compared without case (`fold`). Quotes,
 * comments and a dot at the end are rejected.
 */
export const email = z
	.string()
	.meta({ format: "email", maxLength: MAX })
	.transform((text, ctx) => {
		const address = normalEmail(text);
		if (address === undefined || address.length > MAX) {
			const message = address === undefined ? WRONG : `must have at most ${MAX} characters`;
			ctx.addIssue({ code: "custom", message });
			return z.NEVER;
		}
		return address;
	});

/** Converts an address to its stored form; undefined if it is not an address. */
function normalEmail(text: string): string | undefined {
	if (text.length > INPUT_MAX) {
		return undefined;
	}
	const visible = text
		.replace(INVISIBLE, "")
		.trim()
		.replace(FULL_WIDTH, (wide) => String.fromCharCode(wide.charCodeAt(0) - 0xfee0));
	const at = visible.lastIndexOf("@");
	const local = visible.slice(0, Math.max(at, 0)).replace(JOINERS, "");
	const domain = asciiDomain(visible.slice(at + 1));
	return LOCAL.test(local) && domain ? `${local}@${domain}` : undefined;
}

function asciiDomain(text: string): string | undefined {
	const domain = DELIMITER.test(text) ? "" : domainToASCII(text);
	// A label that is no valid punycode is returned undecoded.
	const isDecoded = !domainToUnicode(domain)
		.split(".")
		.some((label) => label.startsWith("xn--"));
	return DOMAIN.test(domain) && domain.length <= 253 && isDecoded ? domain : undefined;
}

/**
 * Normalizes text that is compared without case: e-mail addresses and usernames. Both are ASCII, so only A to Z are
 * folded, which is the same in every language. The SQL function `fold` of users does the same.
 */
export function fold(text: string): string {
	return text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}
