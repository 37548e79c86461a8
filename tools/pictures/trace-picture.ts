import type { Span } from "./otlp-spans.ts";

/** A span in its place: below its parent, further right. */
interface Row {
	span: Span;
	depth: number;
	/** Index of the parent's row; undefined for the first span. */
	above: number | undefined;
	edge: string;
}

const ROW = 22;
const TOP = 64;
const INDENT = 14;
const TREE_X = 24;
const EDGE_X = 380;
const BARS_X = 620;
const BARS_WIDTH = 440;
const WIDTH = BARS_X + BARS_WIDTH + 90;

/** Colours of the services, which are readable on the light and on the dark background. */
const COLOURS: Record<string, string> = {
	api: "#3b82d6",
	users: "#a06bd6",
	products: "#2f9e6e",
	orders: "#d9822b",
	notifications: "#d6558b",
};

function colourOf(service: string): string {
	return COLOURS[service] ?? "#7d8590";
}

const INTERNAL = 1;
const SERVER = 2;
const PRODUCER = 4;
const CONSUMER = 5;

/** Returns how a span knows its parent. */
function edgeTo(span: Span, parent: Span | undefined): string {
	if (!parent) {
		return "a request";
	}
	if (/^send (mail|sms)$/.test(span.name)) {
		return "the row in the queue of mails";
	}
	if (span.kind === PRODUCER) {
		return "the column of the outbox";
	}
	if (span.kind === CONSUMER) {
		return "the header of the message";
	}
	if (span.kind === SERVER) {
		return "the header of the call, by NATS";
	}
	if (span.name.startsWith("v1.")) {
		return span.kind === INTERNAL ? "a call in the process" : "a call of another process";
	}
	return "a query";
}

/** Returns the spans of a trace as a tree, each below its parent, in the order of their beginnings. */
function rowsOf(spans: readonly Span[]): Row[] {
	const rows: Row[] = [];
	const place = (span: Span, depth: number, above: number | undefined) => {
		const index = rows.push({ span, depth, above, edge: edgeTo(span, rows[above ?? -1]?.span) }) - 1;
		const below = spans.filter(({ parentSpanId }) => parentSpanId === span.spanId);
		for (const child of below.sort((one, other) => beginOf(one) - beginOf(other))) {
			place(child, depth + 1, index);
		}
	};
	for (const root of spans.filter(({ parentSpanId = "" }) => parentSpanId === "")) {
		place(root, 0, undefined);
	}
	return rows;
}

/**
 * Draws a trace as an SVG: its spans as a tree, with a name for each edge, and as bars over time. It has a background of its own, which
 * is dark where the reader prefers that.
 */
export function tracePicture(spans: readonly Span[]): string {
	const rows = rowsOf(spans);
	const from = Math.min(...spans.map(beginOf));
	const whole = Math.max(...spans.map(endOf)) - from;
	const height = TOP + rows.length * ROW + 24;
	const x = (at: number) => BARS_X + ((at - from) / whole) * BARS_WIDTH;
	const services = [...new Set(rows.map(({ span }) => span.service))];
	return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img">
<title>The trace of an order</title>
<style>
.back { fill: #ffffff; stroke: #d0d7de } .edge { fill: none; stroke: #8c959f } .line { stroke: #d0d7de }
text { font: 12px ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace; fill: #1f2328 } .quiet { fill: #59636e } .head { font-weight: bold }
@media (prefers-color-scheme: dark) {
.back { fill: #0d1117; stroke: #3d444d } .edge { stroke: #7d8590 } .line { stroke: #3d444d } text { fill: #e6edf3 } .quiet { fill: #9198a1 }
}
</style>
<rect class="back" x="0.5" y="0.5" width="${WIDTH - 1}" height="${height - 1}" rx="8"/>
${services.map(legend).join("\n")}
<text class="head" x="${TREE_X}" y="${TOP - 12}">span</text>
<text class="head" x="${EDGE_X}" y="${TOP - 12}">known to its parent by</text>
${[0, 0.25, 0.5, 0.75, 1].map((share) => tick(share, whole, height)).join("\n")}
${rows.map((row, index) => drawn(row, index, x)).join("\n")}
</svg>
`;
}

function legend(service: string, index: number): string {
	const left = TREE_X + index * 140;
	return `<rect x="${left}" y="14" width="12" height="12" rx="2" fill="${colourOf(service)}"/><text x="${left + 18}" y="24">${escaped(service)}</text>`;
}

function tick(share: number, whole: number, height: number): string {
	const left = BARS_X + share * BARS_WIDTH;
	return `<line class="line" x1="${left}" x2="${left}" y1="${TOP - 6}" y2="${height - 16}"/><text class="quiet" x="${left}" y="${TOP - 12}" text-anchor="middle">${Math.round(share * whole)} ms</text>`;
}

function drawn({ span, depth, above, edge }: Row, index: number, x: (at: number) => number): string {
	const middle = TOP + index * ROW + ROW / 2;
	const left = TREE_X + depth * INDENT;
	const colour = colourOf(span.service);
	const [begin, end] = [x(beginOf(span)), x(endOf(span))];
	const elbow =
		above === undefined
			? ""
			: `<path class="edge" d="M${left - INDENT + 4} ${TOP + above * ROW + ROW / 2 + 6}V${middle}H${left - 1}"/>`;
	return `${elbow}<circle cx="${left + 4}" cy="${middle}" r="4" fill="${colour}"/><text x="${left + 13}" y="${middle + 4}">${escaped(span.name)}</text><text class="quiet" x="${EDGE_X}" y="${middle + 4}">${edge}</text><rect x="${begin.toFixed(1)}" y="${middle - 6}" width="${Math.max(1.5, end - begin).toFixed(1)}" height="12" rx="2" fill="${colour}"/><text class="quiet" x="${(end + 6).toFixed(1)}" y="${middle + 4}">${duration(span)}</text>`;
}

function duration(span: Span): string {
	return `${(endOf(span) - beginOf(span)).toFixed(1)} ms`;
}

/** Time in ms. */
function beginOf({ startTimeUnixNano }: Span): number {
	return Number(BigInt(startTimeUnixNano) / 1000n) / 1000;
}

function endOf({ endTimeUnixNano }: Span): number {
	return Number(BigInt(endTimeUnixNano) / 1000n) / 1000;
}

function escaped(text: string): string {
	return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}
