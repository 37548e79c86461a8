/** A language of the shop, as an ISO 639-1 code. */
export type Language = "en" | "id";

/**
 * Returns the language of a tag regardless of region and script; undefined if the shop lacks it. Accepts BCP 47 tags in
 * any case, and the forms that platforms use instead: `in` (Java and Android before 17), `ind`, `id_ID`, `id_ID.UTF-8`.
 */
export function languageOf(tag: string): Language | undefined {
	const [, code] = /^\s*([a-z]{2,3})(?![a-z0-9])/i.exec(tag) ?? [];
	if (code === undefined) {
		return undefined;
	}
	const [language] = Intl.getCanonicalLocales(code);
	return language === "en" || language === "id" ? language : undefined;
}
