import type { Locale } from "./messages.ts";

/** Form of address if the name is not shown. */
const NEUTRAL: Record<Locale, string> = { en: "customer", id: "Pelanggan" };

/** Maximum length of a name, too short for an advertisement. */
const NAME_MAX = 60;
const DIGITS_MAX = 3;

/** Letters of any script and the punctuation of names. A full stop must belong to a word. */
const NAME = /^(?!.*(^|\s)\.)[\p{L}\p{M}\p{Nd}.,'’()-]+( [\p{L}\p{M}\p{Nd}.,'’()-]+)*$/u;
const ADDRESS_WORD = /\bwww\b|https?/i;
/**
 * A full stop inside a word, as in a domain. Allowed after initials and titles of one or two letters, as in `J.R.R.` or
 * `S.Kom`.
 */
const DOMAIN = /([\p{L}\p{Nd}-]{3,}|(?<![\p{L}\p{Nd}-])[\p{Ll}\p{Lo}\p{Nd}][\p{L}\p{Nd}-]*)\.+[\p{L}\p{Nd}]/u;

/**
 * Returns a name as it may be shown to a stranger: a user can register any address under any name, so messages to
 * unverified addresses could carry advertisements. A suspicious name is replaced by a neutral word. Each remaining full
 * stop is followed by a space, so that no mail program turns the name into a link.
 */
export function nameForStranger(name: string, locale: Locale): string {
	// Compatibility forms, such as a full-width full stop, are valid in domains too.
	const plain = name.normalize("NFKC").trim().replace(/\s+/g, " ");
	const digits = plain.match(/\p{Nd}/gu)?.length ?? 0;
	const isName =
		plain.length <= NAME_MAX &&
		digits <= DIGITS_MAX &&
		NAME.test(plain) &&
		!ADDRESS_WORD.test(plain) &&
		!DOMAIN.test(plain);
	return isName ? plain.replace(/\.(?=[\p{L}\p{M}\p{Nd}(])/gu, ". ") : NEUTRAL[locale];
}
