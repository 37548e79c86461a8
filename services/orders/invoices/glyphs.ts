import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import * as fontkit from "fontkit";

/** Fonts of the documents. They have all letters of the Latin, Greek and Cyrillic scripts, and many others. */
export interface Fonts {
	regular: fontkit.Font;
	bold: fontkit.Font;
}

let opened: Fonts | undefined;

/** Returns the fonts, which all documents of the process share. */
export function fonts(): Fonts {
	opened ??= { regular: open("DejaVuSansCondensed.ttf"), bold: open("DejaVuSansCondensed-Bold.ttf") };
	return opened;
}

function open(file: string): fontkit.Font {
	const path = createRequire(import.meta.url).resolve(`dejavu-fonts-ttf/ttf/${file}`);
	return fontkit.create(readFileSync(path)) as fontkit.Font;
}

/** Replacement of a character that no font has. */
export const LOST = "\ufffd";

/**
 * Returns a text with each character that a font lacks replaced by U+FFFD. Characters that show nothing by themselves, such as
 * those that choose the form of an emoji, are left out.
 */
export function printable(text: string, font: Pick<fontkit.Font, "hasGlyphForCodePoint">): string {
	let shown = "";
	for (const character of text.normalize("NFC")) {
		if (font.hasGlyphForCodePoint(character.codePointAt(0) as number)) {
			shown += character;
		} else if (!/\p{Default_Ignorable_Code_Point}/u.test(character)) {
			shown += LOST;
		}
	}
	return shown;
}
