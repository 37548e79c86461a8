import { createHash } from "node:crypto";
import type { DocumentContent } from "../../../contracts/documents.ts";
import { optionsText } from "../../../contracts/formats.ts";
import type { WrittenDocument } from "./words.ts";

/** The only style sheet. Each page of a printed document repeats the head of the table. */
const STYLE = `
:root { color-scheme: light; }
body { color: #1f2328; font: 0.9375rem/1.5 system-ui, "Segoe UI", Roboto, "Noto Sans", sans-serif; margin: 2rem auto; max-width: 60rem; padding: 0 1.5rem; }
h1 { font-size: 1.75rem; line-height: 1.2; margin: 0 0 1.5rem; overflow-wrap: anywhere; }
h2 { color: #59636e; font-size: 0.875rem; margin: 0 0 0.25rem; }
header { display: grid; gap: 1.5rem 2rem; grid-template-columns: repeat(auto-fit, minmax(14rem, 1fr)); margin-bottom: 2rem; }
header h1 { grid-column: 1 / -1; margin: 0; }
@media (min-width: 48rem), print { header:has(section + section) { grid-template-columns: 1fr 1fr max-content; } }
address { font-style: normal; overflow-wrap: anywhere; }
address span, td small { display: block; }
td small { color: #59636e; font-size: 0.8125rem; }
dl { align-content: start; display: grid; gap: 0 1rem; grid-template-columns: max-content 1fr; margin: 0; }
dt { color: #59636e; }
dd { margin: 0; overflow-wrap: anywhere; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; width: 100%; }
caption { color: #59636e; font-size: 0.875rem; font-weight: bold; padding: 0 0 0.25rem; text-align: start; }
th, td { border-bottom: 1px solid #d1d9e0; padding: 0.4rem 0.5rem; text-align: start; vertical-align: top; }
td { overflow-wrap: anywhere; }
thead th { border-bottom: 2px solid #59636e; vertical-align: bottom; }
.number { text-align: end; white-space: nowrap; }
.sums { margin: 1.5rem 0 0 auto; max-width: 28rem; }
.sums th { font-weight: normal; }
.sums .total > * { border-bottom: 2px solid #59636e; font-weight: bold; }
@media (min-width: 40rem), print { .wide td:nth-child(2) { min-width: 10rem; } }
@page { margin: 18mm 16mm; size: A4; @bottom-right { color: #59636e; content: counter(page) " / " counter(pages); font: 8pt sans-serif; } }
@media print {
	body { font-size: 8.5pt; margin: 0; max-width: none; padding: 0; }
	h1 { font-size: 16pt; }
	h2, caption, td small { font-size: 7.5pt; }
	.wide { overflow: visible; }
	thead { display: table-header-group; }
	tr, .sums { break-inside: avoid; }
	th, td { padding: 3pt 4pt; }
}
`;

const STYLE_DIGEST = `sha256-${createHash("sha256").update(STYLE).digest("base64")}`;

/** Renders a document as a page that loads nothing: its style sheet is the only one that its policy allows. */
export function toHtml(document: WrittenDocument): Pick<DocumentContent, "content" | "style_digest"> {
	const { language, title, fields, seller, buyer, lines, sums } = document;
	const content = `<!doctype html>
<html lang="${language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escaped(title)}</title>
<style>${STYLE}</style>
</head>
<body>
<main>
<header>
<h1>${escaped(title)}</h1>
${party(seller)}
${party(buyer)}
<dl>
${fields.map(([name, value]) => `<dt>${escaped(name)}</dt><dd>${escaped(value)}</dd>`).join("\n")}
</dl>
</header>
${lines.length === 0 ? "" : tableOf(document)}
<table class="sums">
<caption>${escaped(document.sums_title)}</caption>
<tbody>
${sums.map(({ name, value, isTotal }) => `<tr${isTotal ? ' class="total"' : ""}><th scope="row">${escaped(name)}</th><td class="number">${escaped(value)}</td></tr>`).join("\n")}
</tbody>
</table>
</main>
</body>
</html>
`;
	return { content, style_digest: STYLE_DIGEST };
}

function tableOf({ lines_title, columns, lines }: WrittenDocument): string {
	return `<div class="wide" role="region" aria-label="${escaped(lines_title)}" tabindex="0">
<table>
<caption>${escaped(lines_title)}</caption>
<thead>
<tr>${columns.map(({ title, isNumber }) => `<th scope="col"${isNumber ? ' class="number"' : ""}>${escaped(title)}</th>`).join("")}</tr>
</thead>
<tbody>
${lines.map((line) => `<tr>${columns.map((column) => cell(column.isNumber, column.cell(line), column.isNumber ? "" : optionsText(line.options))).join("")}</tr>`).join("\n")}
</tbody>
</table>
</div>`;
}

function party({ title, lines }: WrittenDocument["seller"]): string {
	const all = lines.map((line) => `<span>${escaped(line)}</span>`).join("");
	return lines.length === 0 ? "" : `<section><h2>${escaped(title)}</h2><address>${all}</address></section>`;
}

function cell(isNumber: boolean, text: string, small: string): string {
	const detail = small === "" ? "" : `<small>${escaped(small)}</small>`;
	return `<td${isNumber ? ' class="number"' : ""}>${escaped(text)}${detail}</td>`;
}

function escaped(text: string): string {
	return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
