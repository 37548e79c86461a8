/** Characters without a glyph: all spaces, Unicode's default ignorable characters, and the blank Braille pattern. */
const UNSEEN = /[\s\p{Z}\p{Default_Ignorable_Code_Point}\u2800]/u;
const UNSEEN_AT_START = /^[\s\p{Z}\p{Default_Ignorable_Code_Point}\u2800]+/u;

/** Signs that end an Indic syllable. A zero width joiner after one changes its shape, even at the end of a word. */
const VIRAMA = /[\u094d\u09cd\u0a4d\u0acd\u0b4d\u0bcd\u0c4d\u0ccd\u0d4d\u0dca]/;

/** Variation selectors of the preceding character (emoji, ideographs, Mongolian letters), and the tags of a flag. */
const VARIANT = /^(?:\p{Variation_Selector}|[\u{e0020}-\u{e007f}]){1,7}/u;

/** Characters that are ignorable in every context. Bidirectional controls stay, so that they are rejected. */
const NEVER_NEEDED =
	/(?!\p{Join_Control}|\ufe0f|[\u202a-\u202e\u2066-\u2069]|[\u{e0020}-\u{e007f}])\p{Default_Ignorable_Code_Point}/gu;

/** Scripts whose letters join or stack, so that joiners between them change the reading. */
const JOINING =
	"[[\\p{L}\\p{M}]&&[\\p{scx=Arab}\\p{scx=Syrc}\\p{scx=Mong}\\p{scx=Nkoo}\\p{scx=Deva}\\p{scx=Beng}\\p{scx=Guru}" +
	"\\p{scx=Gujr}\\p{scx=Orya}\\p{scx=Taml}\\p{scx=Telu}\\p{scx=Knda}\\p{scx=Mlym}\\p{scx=Sinh}\\p{scx=Khmr}" +
	"\\p{scx=Mymr}\\p{scx=Bali}\\p{scx=Java}\\p{scx=Sund}]]";

/** Joiners, emoji selectors and tags. The first group matches those that their neighbours need. */
const SOMETIMES_NEEDED = new RegExp(
	`(${[
		`(?<=${JOINING})\\p{Join_Control}(?=${JOINING})`,
		`(?<=${VIRAMA.source})\\u200d`,
		"(?<=[\\p{Extended_Pictographic}\\p{Emoji_Modifier}]\\ufe0f?)\\u200d(?=\\p{Extended_Pictographic})",
		"(?<=[\\p{Extended_Pictographic}--\\p{Emoji_Presentation}])\\ufe0f",
		"\\ufe0f(?=\\u20e3)",
		"(?<=\\u{1f3f4}[\\u{e0020}-\\u{e007f}]{0,6})[\\u{e0020}-\\u{e007f}]",
	].join("|")})|\\p{Join_Control}|\\ufe0f|[\\u{e0020}-\\u{e007f}]`,
	"gv",
);

/** More marks than any letter has. Sorting them takes quadratic time: seconds for a large body. */
const MANY_MARKS = /\p{M}{100}/u;

/** Normalizes text to NFC and removes invisible characters at its ends. */
export function trimmed(text: string): string {
	// Before trimming, since composition reorders marks.
	const composed = MANY_MARKS.test(text) ? text : text.normalize("NFC");
	const begun = composed.replace(UNSEEN_AT_START, "");
	// Trims the end by hand: a regular expression would scan a long run of spaces from each of its positions.
	let end = begun.length;
	while (end > 0) {
		const last = begun.slice(end - (isLowSurrogate(begun, end - 1) ? 2 : 1), end);
		if (!UNSEEN.test(last)) {
			break;
		}
		end -= last.length;
	}
	const tail = begun.slice(end);
	const shape = tail.startsWith("\u200d") && VIRAMA.test(begun.charAt(end - 1)) ? "\u200d" : "";
	return begun.slice(0, end) + (shape || (VARIANT.exec(tail)?.[0] ?? ""));
}

/**
 * Normalizes text for comparison, for unique keys and names, so that text that looks equal is equal: NFC, single
 * spaces, and no ignorable characters except those that a script or an emoji needs.
 */
export function comparable(text: string): string {
	return trimmed(
		trimmed(text)
			.replace(NEVER_NEEDED, "")
			.replace(/(\p{Join_Control}|\ufe0f)\1+/gu, "$1")
			.replace(SOMETIMES_NEEDED, (_, needed: string | undefined) => needed ?? "")
			.replace(/[\t\p{Zs}\u2800]+/gu, " "),
	);
}

function isLowSurrogate(text: string, place: number): boolean {
	return (
		place > 0 && /[\udc00-\udfff]/.test(text.charAt(place)) && /[\ud800-\udbff]/.test(text.charAt(place - 1))
	);
}
