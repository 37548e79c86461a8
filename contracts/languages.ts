/** A language that the shop speaks, by its ISO 639-1 code. */
export type Language = "en" | "id";

/**
 * The shop's language that a tag names, whatever its region and script; undefined where it names another one. Takes BCP
 * 47 tags in any case, and what platforms write in their place: `in` (Java and Android before 17), `ind`, `id_ID`,
 * `id_ID.UTF-8`.
 */
export function languageOf(tag: string): Language | undefined {
	const [, given] = /^\s*([a-z]{2,3})(?![a-z0-9])/i.exec(tag) ?? [];
	if (given === undefined) {
		return undefined;
	}
	const [language] = Intl.getCanonicalLocales(given);
	return language === "en" || language === "id" ? language : undefined;
}
