import { setImmediate as turn } from "node:timers/promises";
import pLimit from "p-limit";
import PDFDocument from "pdfkit";
import { optionsText } from "../../../contracts/formats.ts";
import { fonts, LOST, printable } from "./glyphs.ts";
import type { WrittenDocument } from "./words.ts";

/** In points, 72 to an inch. */
const MARGIN = 48;
const PAGE = { width: 595.28, height: 841.89 };
const WIDTH = PAGE.width - 2 * MARGIN;
/** Below this, a page has only its number. */
const BOTTOM = PAGE.height - MARGIN - 16;
const PADDING = 4;
const SIZE = { title: 18, text: 9, table: 8, small: 7 };
const GRAY = "#59636e";
const BLACK = "#1f2328";
const LINE = "#d1d9e0";
/** Minimum width of the column of names: narrower ones are unreadable, so larger amounts make the text smaller. */
const NAME_MIN = 110;
const GAP = 24;
/** Number of lines after which other work of the process gets its turn. */
const LINES_PER_TURN = 10;

/** One document at a time: several at once would not be ready earlier, and would delay other work for longer. */
const oneAtATime = pLimit(1);

type Pdf = InstanceType<typeof PDFDocument>;
type Weight = "regular" | "bold";

interface PlacedColumn {
	x: number;
	width: number;
	align: "left" | "right";
	title: string;
	cell: WrittenDocument["columns"][number]["cell"];
	isNumber: boolean;
}

/**
 * Renders a document as PDF on A4, with its fonts. Lines that do not fit on a page continue on the next one, below the same
 * head. A character that the fonts lack is shown as U+FFFD, with a note.
 */
export function toPdf(document: WrittenDocument): Promise<Buffer> {
	return oneAtATime(async () => {
		const rendering = new Rendering(document);
		await rendering.run();
		return rendering.bytes();
	});
}

class Rendering {
	readonly #document: WrittenDocument;
	readonly #pdf: Pdf;
	readonly #chunks: Buffer[] = [];
	#hasLost = false;
	#y = MARGIN;

	constructor(document: WrittenDocument) {
		this.#document = document;
		const { title, language, seller } = document;
		this.#pdf = new PDFDocument({
			size: "A4",
			margins: { top: MARGIN, left: MARGIN, right: MARGIN, bottom: 0 },
			bufferPages: true,
			// No standard font, which would be read before ours.
			font: fonts().regular as never,
			lang: language,
			displayTitle: true,
			info: { Title: title, Author: seller.lines[0] ?? "" },
		});
		this.#pdf.registerFont("regular", fonts().regular as never);
		this.#pdf.registerFont("bold", fonts().bold as never);
		this.#pdf.on("data", (chunk: Buffer) => this.#chunks.push(chunk));
	}

	async run(): Promise<void> {
		this.#head();
		if (this.#document.lines.length > 0) {
			await this.#lines();
		}
		this.#sums();
		this.#numberPages();
	}

	bytes(): Promise<Buffer> {
		return new Promise((resolve, reject) => {
			this.#pdf.on("end", () => resolve(Buffer.concat(this.#chunks))).on("error", reject);
			this.#pdf.end();
		});
	}

	#head(): void {
		const { title, seller, buyer, fields } = this.#document;
		this.#y += this.#text(title, MARGIN, this.#y, { width: WIDTH, size: SIZE.title, weight: "bold" }) + 16;
		const width = (WIDTH - 2 * GAP) / 3;
		const blocks = [seller, buyer].map(({ title: name, lines }, place) => {
			const x = MARGIN + place * (width + GAP);
			let y = this.#y;
			if (lines.length > 0) {
				y += this.#text(name, x, y, { width, size: SIZE.small, color: GRAY, weight: "bold" }) + 2;
			}
			for (const line of lines) {
				y += this.#text(line, x, y, { width });
			}
			return y;
		});
		const x = MARGIN + 2 * (width + GAP);
		let y = this.#y;
		for (const [name, value] of fields) {
			y += this.#text(name, x, y, { width, size: SIZE.small, color: GRAY });
			y += this.#text(value, x, y, { width }) + 2;
		}
		this.#y = Math.max(y, ...blocks) + 20;
	}

	async #lines(): Promise<void> {
		const { columns, size } = this.#columns();
		this.#tableHead(columns, size);
		for (const [place, line] of this.#document.lines.entries()) {
			if (place % LINES_PER_TURN === LINES_PER_TURN - 1) {
				await turn();
			}
			const cells = columns.map((column) => this.#print(column.cell(line), "regular"));
			const small = this.#print(optionsText(line.options), "regular");
			const heights = columns.map(({ width }, index) => this.#height(cells[index] as string, width, size));
			const name = columns[1] as PlacedColumn;
			const below = small === "" ? 0 : this.#height(small, name.width, SIZE.small);
			const height = Math.max(...heights, (heights[1] as number) + below);
			if (this.#y + height + 2 * PADDING > BOTTOM) {
				this.#newPage();
				this.#tableHead(columns, size);
			}
			const y = this.#y + PADDING;
			for (const [index, { x, width, align }] of columns.entries()) {
				this.#text(cells[index] as string, x, y, { width, align, size });
			}
			if (small !== "") {
				this.#text(small, name.x, y + (heights[1] as number), {
					...{ width: name.width, size: SIZE.small, color: GRAY },
				});
			}
			this.#y += height + 2 * PADDING;
			this.#rule(this.#y, LINE, 0.5);
		}
	}

	/** Places the columns: those of numbers are as wide as their longest one, and that of the names has the rest. */
	#columns(): { columns: PlacedColumn[]; size: number } {
		const { columns, lines } = this.#document;
		const longest = columns.map(({ isNumber, cell, title }) =>
			isNumber
				? lines.reduce((found, line) => {
						const text = cell(line);
						return text.length > found.length ? text : found;
					}, "0")
				: title,
		);
		const widthAt = (size: number) =>
			columns.map(
				({ title }, index) =>
					Math.max(this.#width(longest[index] as string, size, "regular"), this.#width(title, size, "bold")) +
					1,
			);
		let size = SIZE.table;
		const spaceFor = (widths: number[]) =>
			WIDTH -
			widths.reduce((sum, width, index) => (index === 1 ? sum : sum + width), 0) -
			2 * PADDING * (columns.length - 1);
		let widths = widthAt(size);
		while (spaceFor(widths) < NAME_MIN && size > 4) {
			size -= 0.5;
			widths = widthAt(size);
		}
		widths[1] = Math.max(spaceFor(widths), 20);
		let x = MARGIN;
		const placed = columns.map((column, index): PlacedColumn => {
			const width = widths[index] as number;
			const at = x;
			x += width + 2 * PADDING;
			return { ...column, x: at, width, align: column.isNumber ? "right" : "left" };
		});
		return { columns: placed, size };
	}

	#tableHead(columns: PlacedColumn[], size: number): void {
		const heights = columns.map(({ x, width, align, title }) =>
			this.#text(title, x, this.#y, { width, align, size, weight: "bold" }),
		);
		this.#y += Math.max(...heights) + PADDING;
		this.#rule(this.#y, GRAY, 1);
	}

	/** The sums stay on one page. */
	#sums(): void {
		const { sums, unprintable } = this.#document;
		const left = MARGIN + WIDTH * 0.45;
		const width = MARGIN + WIDTH - left;
		const rows = sums.map((sum) => {
			const value = this.#width(sum.value, SIZE.text, "bold") + 1;
			const rest = width - value - 2 * PADDING;
			return {
				...sum,
				value_width: value,
				rest,
				height: this.#height(sum.name, rest, SIZE.text) + 2 * PADDING,
			};
		});
		const height = rows.reduce((sum, row) => sum + row.height, 12);
		if (this.#y + height > BOTTOM) {
			this.#newPage();
		}
		this.#y += 12;
		for (const { name, value, isTotal, value_width, rest, height } of rows) {
			const style = { weight: isTotal ? "bold" : "regular" } as const;
			this.#text(name, left, this.#y + PADDING, { ...style, width: rest });
			this.#text(value, left + width - value_width, this.#y + PADDING, {
				...{ ...style, width: value_width, align: "right" },
			});
			this.#y += height;
			this.#rule(this.#y, isTotal ? GRAY : LINE, isTotal ? 1 : 0.5, left);
		}
		if (this.#hasLost) {
			const note = { width: WIDTH, size: SIZE.small, color: GRAY };
			if (this.#y + 32 > BOTTOM) {
				this.#newPage();
			}
			this.#text(unprintable, MARGIN, this.#y + 12, note);
		}
	}

	#numberPages(): void {
		const { count } = this.#pdf.bufferedPageRange();
		for (let page = 0; page < count; page++) {
			this.#pdf.switchToPage(page);
			const style = { width: WIDTH, align: "right", size: SIZE.small, color: GRAY } as const;
			this.#text(this.#document.page(page + 1, count), MARGIN, PAGE.height - MARGIN + 4, style);
			if (page > 0) {
				this.#text(this.#document.title, MARGIN, PAGE.height - MARGIN + 4, { ...style, align: "left" });
			}
		}
	}

	#newPage(): void {
		this.#pdf.addPage();
		this.#y = MARGIN;
	}

	#rule(y: number, color: string, width: number, left = MARGIN): void {
		this.#pdf
			.moveTo(left, y)
			.lineTo(MARGIN + WIDTH, y)
			.lineWidth(width)
			.strokeColor(color)
			.stroke();
	}

	/** Writes a text that may wrap. Returns its height. */
	#text(
		text: string,
		x: number,
		y: number,
		style: { width: number; size?: number; weight?: Weight; align?: "left" | "right"; color?: string },
	): number {
		const { width, size = SIZE.text, weight = "regular", align = "left", color = BLACK } = style;
		const shown = this.#print(text, weight);
		this.#pdf.font(weight).fontSize(size).fillColor(color).text(shown, x, y, { width, align });
		return this.#pdf.y - y;
	}

	#height(text: string, width: number, size: number): number {
		return this.#pdf.font("regular").fontSize(size).heightOfString(text, { width });
	}

	#width(text: string, size: number, weight: Weight): number {
		return this.#pdf.font(weight).fontSize(size).widthOfString(text);
	}

	/** Returns a text as this font can show it. */
	#print(text: string, weight: Weight): string {
		const shown = printable(text, fonts()[weight]);
		this.#hasLost ||= shown.includes(LOST);
		return shown;
	}
}
