import { FAINT, INK, page, RULE, text } from "./svg.ts";

/** A line whose points are ordered from left to right. */
export interface Line {
	/** Name of the line; lines of the same name have the same colour in all diagrams. */
	name: string;
	/** Label at the right end. */
	label: string;
	/** Points: `x` from 0 to 1, `y` in units of the axis. */
	points: (readonly [x: number, y: number])[];
	/** True if the line is drawn faintly, for comparison. */
	isFaint?: boolean;
}

/** One diagram of a chart. */
export interface Panel {
	title: string;
	/** Unit of the vertical axis. */
	unit: string;
	lines: Line[];
	ticks: { x: number; label: string }[];
	/** Upper edge of the area that counts as good, from left to right. */
	band?: (readonly [x: number, y: number])[];
	/** Label of the area. */
	bandLabel?: string;
	/** A line for the best possible result, and its name. */
	ideal?: (readonly [x: number, y: number])[];
	idealLabel?: string;
	/** Minimum of the upper end of the axis. */
	top?: number;
}

const WIDTH = 980;
const MARGIN = 32;
const LEFT = 84;
const RIGHT = 590;
const LABELS = RIGHT + 14;
const HEAD = 92;
const PLOT = 300;
const PANEL = PLOT + 96;
const LABEL_GAP = 17;
const RULES = 4;
/** Colours that differ in hue and lightness. */
const COLOURS = [
	"#147d64",
	"#b44d12",
	"#2563a8",
	"#7a3e9d",
	"#a8871b",
	"#4b5563",
	"#c2417c",
	"#3a9ab2",
	"#6b7a2c",
];

/** Draws diagrams one below the other as an SVG, with the names of the lines at their ends. */
export function lineChart(title: string, subtitle: string, panels: readonly Panel[]): string {
	const height = HEAD + panels.length * PANEL + 8;
	return page({ width: WIDTH, height, title }, [
		text(MARGIN, 42, title, { size: 21, weight: 650 }),
		text(MARGIN, 66, subtitle, { fill: FAINT }),
		...panels.flatMap((panel, index) => draw(panel, HEAD + index * PANEL, coloursOf(panels))),
	]);
}

function coloursOf(panels: readonly Panel[]): Map<string, string> {
	const names = new Set(panels.flatMap(({ lines }) => lines.map(({ name }) => name)));
	return new Map([...names].map((name, index) => [name, COLOURS[index % COLOURS.length] as string]));
}

function draw(panel: Panel, top: number, colours: Map<string, string>): string[] {
	const { lines, band = [], ideal = [] } = panel;
	const values = [...lines.flatMap(({ points }) => points), ...ideal]
		.map(([, y]) => y)
		.filter(Number.isFinite);
	const highest = niceTop(Math.max(panel.top ?? 0, ...values) * 1.04);
	const bottom = top + 44 + PLOT;
	const place = ([x, y]: readonly [number, number]): [number, number] => [
		LEFT + x * (RIGHT - LEFT),
		bottom - (Math.min(y, highest) / highest) * PLOT,
	];
	const path = (points: readonly (readonly [number, number])[]) =>
		points
			.filter(([, y]) => Number.isFinite(y))
			.map(
				(point, index) =>
					`${index === 0 ? "M" : "L"}${place(point)
						.map((at) => at.toFixed(1))
						.join(" ")}`,
			)
			.join(" ");
	const parts = [
		text(MARGIN, top + 22, panel.title, { size: 16, weight: 600 }),
		text(WIDTH - MARGIN, top + 22, panel.unit, { fill: FAINT, anchor: "end" }),
	];
	if (band.length > 0) {
		parts.push(`<path d="${path(band)} L${RIGHT} ${bottom} L${LEFT} ${bottom} Z" fill="#eef7f3"/>`);
		if (panel.bandLabel !== undefined) {
			parts.push(text(LEFT + 10, bottom - 10, panel.bandLabel, { fill: "#5f8f7d", size: 12 }));
		}
	}
	for (let rule = 0; rule <= RULES; rule++) {
		const value = (highest * rule) / RULES;
		const [, y] = place([0, value]);
		parts.push(
			`<path d="M${LEFT} ${y.toFixed(1)} H${RIGHT}" stroke="${rule === 0 ? INK : RULE}"/>`,
			text(LEFT - 10, Math.round(y) + 4, tick(value), { fill: FAINT, size: 11, anchor: "end" }),
		);
	}
	for (const { x, label } of panel.ticks) {
		const [at] = place([x, 0]);
		parts.push(
			`<path d="M${at.toFixed(1)} ${bottom} V${bottom + 5}" stroke="${INK}"/>`,
			text(at, bottom + 20, label, { fill: FAINT, size: 11, anchor: "middle" }),
		);
	}
	if (ideal.length > 0) {
		parts.push(`<path d="${path(ideal)}" fill="none" stroke="${FAINT}" stroke-dasharray="4 4"/>`);
		const [x, y] = place(ideal.at(-1) as readonly [number, number]);
		parts.push(text(x, Math.round(y) - 8, panel.idealLabel ?? "", { fill: FAINT, size: 12, anchor: "end" }));
	}
	const ends = spreadOut(
		lines.map(({ points }) => place(points.findLast(([, y]) => Number.isFinite(y)) ?? [1, 0])[1]),
		top + 44,
	);
	for (const [index, { name, label, points, isFaint }] of lines.entries()) {
		const colour = isFaint ? FAINT : (colours.get(name) as string);
		const last = place(points.findLast(([, y]) => Number.isFinite(y)) ?? [1, 0]);
		const end = ends[index] as number;
		const style = isFaint ? ` stroke-dasharray="2 3"` : "";
		parts.push(
			`<path d="${path(points)}" fill="none" stroke="${colour}" stroke-width="2.2" stroke-linejoin="round"${style}/>`,
			`<path d="M${(last[0] + 2).toFixed(1)} ${last[1].toFixed(1)} L${LABELS - 3} ${end.toFixed(1)}" stroke="${colour}" stroke-width="0.8" fill="none"/>`,
			text(LABELS, Math.round(end) + 4, label, { fill: colour, size: 12 }),
		);
		if (points.length <= MARKED) {
			for (const point of points.filter(([, y]) => Number.isFinite(y))) {
				const [x, y] = place(point);
				parts.push(`<circle cx="${x.toFixed(1)}" cy="${y.toFixed(1)}" r="3" fill="${colour}"/>`);
			}
		}
	}
	return parts;
}

/** Maximum number of points of a line that are drawn with markers. */
const MARKED = 12;

/** Returns label positions that do not overlap, each as close as possible to its wanted position. */
export function spreadOut(wanted: readonly number[], top: number): number[] {
	const order = wanted.map((y, index) => ({ y, index })).sort((one, other) => one.y - other.y);
	const placed = order.map(({ y }) => y);
	// Moves labels down until none overlap, then moves them up again if they exceed the bottom.
	for (let index = 0; index < placed.length; index++) {
		const least = index === 0 ? top : (placed[index - 1] as number) + LABEL_GAP;
		placed[index] = Math.max(placed[index] as number, least);
	}
	const bottom = top + PLOT;
	for (let index = placed.length - 1; index >= 0; index--) {
		const most = index === placed.length - 1 ? bottom : (placed[index + 1] as number) - LABEL_GAP;
		placed[index] = Math.min(placed[index] as number, most);
	}
	const heights: number[] = [];
	for (const [position, { index }] of order.entries()) {
		heights[index] = placed[position] as number;
	}
	return heights;
}

/** Rounds a number up to one that four grid lines divide evenly. */
export function niceTop(value: number): number {
	const power = 10 ** Math.floor(Math.log10(value || 1));
	const step = [1, 1.2, 1.6, 2, 2.4, 3.2, 4, 6, 8, 10].find((nice) => nice * power >= value) ?? 10;
	return step * power;
}

function tick(value: number): string {
	return value >= 1000 ? Math.round(value).toLocaleString("en") : String(Number(value.toPrecision(3)));
}
