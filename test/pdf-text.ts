import { inflateSync } from "node:zlib";

/**
 * Returns the texts of each page of a PDF as pdfkit writes it, in the order in which they were written. Each text is one
 * that a reader can select: its glyphs are read by the font's own table of characters.
 */
export function pdfTexts(pdf: Buffer): string[][] {
	const objects = objectsOf(pdf);
	const at = (reference: string | undefined) => objects.get(Number(reference)) ?? { head: "", data: "" };
	const pages = [...objects.values()].filter(({ head }) => /\/Type \/Page\b/.test(head));
	return pages.map(({ head }) => {
		const resources = at(/\/Resources (\d+) 0 R/.exec(head)?.[1]).head;
		const fonts = new Map(
			[...resources.matchAll(/\/(F\d+) (\d+) 0 R/g)].map(([, name, font]) => {
				const table = /\/ToUnicode (\d+) 0 R/.exec(at(font).head)?.[1];
				return [name, charactersOf(at(table).data)];
			}),
		);
		return textsOf(at(/\/Contents (\d+) 0 R/.exec(head)?.[1]).data, fonts);
	});
}

interface PdfObject {
	head: string;
	/** Content of its stream. */
	data: string;
}

function objectsOf(pdf: Buffer): Map<number, PdfObject> {
	const objects = new Map<number, PdfObject>();
	const text = pdf.toString("latin1");
	for (const { 0: found, 1: number, index } of text.matchAll(/^(\d+) 0 obj$/gm)) {
		const from = index + found.length;
		const end = text.indexOf("endobj", from);
		const stream = text.indexOf("stream\n", from);
		if (stream === -1 || stream > end) {
			objects.set(Number(number), { head: text.slice(from, end), data: "" });
			continue;
		}
		const head = text.slice(from, stream);
		const length = Number(/\/Length (\d+)/.exec(head)?.[1]);
		const bytes = pdf.subarray(stream + "stream\n".length, stream + "stream\n".length + length);
		const data = head.includes("/FlateDecode") ? inflateSync(bytes) : bytes;
		objects.set(Number(number), { head, data: data.toString("latin1") });
	}
	return objects;
}

/** Reads the ranges of a table of characters: `<0000> <00ff> [<0020> <0041 0301> …]`. */
function charactersOf(table: string): Map<number, string> {
	const characters = new Map<number, string>();
	for (const [, first, list] of table.matchAll(/<([0-9a-f]+)> <[0-9a-f]+> \[(.*?)\]/gs)) {
		for (const [place, [, codes]] of [...(list as string).matchAll(/<([0-9a-f ]*)>/g)].entries()) {
			const units = (codes as string).replaceAll(" ", "").match(/.{4}/g) ?? [];
			const character = String.fromCharCode(...units.map((unit) => Number.parseInt(unit, 16)));
			characters.set(Number.parseInt(first as string, 16) + place, character);
		}
	}
	return characters;
}

function textsOf(content: string, fonts: Map<string | undefined, Map<number, string>>): string[] {
	const texts: string[] = [];
	let font: Map<number, string> | undefined;
	for (const [, name, glyphs] of content.matchAll(/\/(F\d+) [\d.]+ Tf|\[([^\]]*)\] TJ/g)) {
		if (name !== undefined) {
			font = fonts.get(name);
			continue;
		}
		const codes = [...(glyphs as string).matchAll(/<([0-9a-f]*)>/g)].map(([, hex]) => hex).join("");
		const characters = (codes.match(/.{4}/g) ?? []).map(
			(code) => font?.get(Number.parseInt(code, 16)) ?? "?",
		);
		texts.push(characters.join("").trimEnd());
	}
	return texts;
}
