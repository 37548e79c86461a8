/**
 * Letters that Unicode does not decompose, by their usual replacement on a keyboard that lacks them. From
 * UnicodeData.txt: each `LATIN SMALL LETTER X WITH …`, barred or dotless X is its X. Ligatures and letters with names
 * of their own follow CLDR's transform Latin-ASCII. The final sigma is a sigma.
 */
const LETTERS: Record<string, string> = {
	a: "ᶏⱥ",
	b: "ƀƃɓᵬᶀꞗ",
	c: "ƈȼɕꞓꞔ",
	d: "đƌȡɖɗᵭᶁᶑꟈð",
	e: "ɇᶒⱸꬴꬳə",
	f: "ƒᵮᶂꞙ",
	g: "ǥɠᶃꞡɡ",
	h: "ħɦⱨꞕ",
	i: "ɨᶖıᵻ",
	j: "ɉʝȷɟʄ",
	k: "ƙᶄⱪꝁꝃꝅꞣ",
	l: "łƚȴɫɬɭᶅⱡꝉꞎꬷꬸꬹ",
	m: "ɱᵯᶆꬺ",
	n: "ƞȵɲɳᵰᶇꞑꞥꬻŋ",
	o: "øⱺꝋꝍɵ",
	p: "ƥᵱᵽᶈꝑꝓꝕ",
	q: "ɋʠꝗꝙĸ",
	r: "ɍɼɽɾᵲᵳᶉꞧꭉ",
	s: "ȿʂᵴᶊꞩꟊ",
	t: "ŧƫƭȶʈᵵⱦ",
	u: "ᶙꞹꭎꭒʉ",
	v: "ʋᶌⱱⱴꝟ",
	w: "ⱳ",
	x: "ᶍꭖꭗꭘꭙ",
	y: "ƴɏỿꭚ",
	z: "ƶȥɀʐʑᵶᶎⱬ",
	aa: "ꜳ",
	ae: "æ",
	ao: "ꜵ",
	au: "ꜷ",
	av: "ꜹꜻ",
	ay: "ꜽ",
	oe: "œ",
	oi: "ƣ",
	oo: "ꝏ",
	ou: "ȣ",
	ss: "ß",
	th: "þᵺꝥꝧ",
	tz: "ꜩ",
	vy: "ꝡ",
	hv: "ƕ",
	ue: "ᵫ",
	ui: "ꭐ",
	uo: "ꭣ",
	ll: "ỻ",
	dz: "ʣ",
	ts: "ʦ",
	σ: "ς",
};

const FOLDED = new Map(
	Object.entries(LETTERS).flatMap(([folded, letters]) =>
		[...letters].map((letter) => [letter, folded] as const),
	),
);

/** Folds a text for search: without case, accents, marks, strokes, ligatures and invisible characters. */
export function folded(text: string): string {
	return text
		.normalize("NFKD")
		.toLowerCase()
		.normalize("NFKD")
		.replace(/[\p{M}\p{Default_Ignorable_Code_Point}]/gu, "")
		.replace(/[^\0-\x7f]/gu, (letter) => FOLDED.get(letter) ?? letter);
}
