import type { Locale } from "./messages.ts";

/** How a person is addressed whose name is not shown. */
const NEUTRAL: Record<Locale, string> = { en: "customer", id: "Pelanggan" };

/** Longer ones have room for an advertisement. */
const NAME_MAX = 60;
const DIGITS_MAX = 3;

/** Letters of any script, with what stands between the parts of a name. No full stop that belongs to no word. */
const NAME = /^(?!.*(^|\s)\.)[\p{L}\p{M}\p{Nd}.,'’()-]+( [\p{L}\p{M}\p{Nd}.,'’()-]+)*$/u;
const ADDRESS_WORD = /\bwww\b|https?/i;
/** A full stop inside a word: fine after initials and titles of one or two letters, as in `J.R.R.` or `S.Kom`. */
const DOMAIN = /([\p{L}\p{Nd}-]{3,}|(?<![\p{L}\p{Nd}-])[\p{Ll}\p{Lo}\p{Nd}][\p{L}\p{Nd}-]*)\.+[\p{L}\p{Nd}]/u;

/**
 * A name as it may be shown to somebody who may be a stranger: everybody can register any address under any name, so that
 * messages to addresses that nobody has verified could carry advertisements. A name that is more than a name is left out
 * for a neutral word. No mail program makes a link of what remains: after each full stop there is a blank.
 */
export function nameForStranger(name: string, locale: Locale): string {
	// Compatibility forms, such as a full-width full stop, are those of a domain too.
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
