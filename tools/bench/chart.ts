import { caseOf } from "./cases.ts";
import type { Measured, ShapeResult } from "./measure.ts";
import { type Row, reached, rowsOf } from "./summary.ts";
import { FAINT, INK, page, RULE, short, text } from "./svg.ts";

const WIDTH = 980;
const MARGIN = 32;
/** Positions of the start of the bars and of the ratio 1. */
const LEFT = 196;
const ONE = 590;
/** Maximum ratio drawn; longer bars are cut. */
const RATIO_MAX = 1.25;
const TEXT = 706;
const BAR = 16;
const GAP = 5;
const ROW_PADDING = 16;
const HEAD = 104;
const PANEL_HEAD = 62;

const TRACK = "#f1f4f7";
const GOAL = "#b44d12";
/** Colours of the shops in reverse order: the last shop gets the first colour. */
const COLOURS = ["#147d64", "#8fb8de", "#c3a6e0", "#e0b97d"];

const TITLES = { one: "All in one process", five: "Five processes over NATS" } as const;
const LIMITS = {
	one: "limit: hand-written node:http and pg",
	five: "limit: the same hand-written over NATS",
} as const;

/** Draws the ratios of all shops to the limits, by case, as an SVG. */
export function chart(measured: Measured): string {
	const { shapes, options } = measured;
	const panels: string[] = [];
	let y = HEAD;
	for (const shape of shapes) {
		const { content, height } = panel(shape, y);
		panels.push(content);
		y += height + 20;
	}
	const { connections, rounds, seconds } = options;
	const when = `${measured.begun_at.slice(0, 10)}, ${measured.cores} cores, ${connections} connections, medians of ${rounds} ${rounds === 1 ? "round" : "rounds"} of ${seconds} s`;
	const height = y + 12;
	return page({ width: WIDTH, height, title: "The shop's throughput as a share of hand-written limits" }, [
		text(MARGIN, 42, "How close the shop comes to a hand-written program", { size: 21, weight: 650 }),
		text(MARGIN, 66, `Requests per second as a share of the limit’s. ${when}`, { fill: FAINT }),
		legend(measured),
		...panels,
	]);
}

function legend({ options }: Measured): string {
	const items = options.shops.map(
		({ name }, index) =>
			`<rect x="0" y="-10" width="12" height="12" rx="3" fill="${colour(index, options.shops.length)}"/>${text(18, 0, name)}`,
	);
	items.push(
		`<path d="M6 -11 V3" stroke="${GOAL}" stroke-width="2.5" stroke-linecap="round"/>${text(18, 0, "goal")}`,
	);
	return items
		.map((item, index) => `<g transform="translate(${MARGIN + index * 150} 92)">${item}</g>`)
		.join("\n");
}

function panel(result: ShapeResult, top: number): { content: string; height: number } {
	const rows = rowsOf(result);
	const shops = result.sides.filter(({ kind }) => kind === "shop");
	const names = [...new Set(rows.map((row) => row.case))];
	const rowHeight = shops.length * (BAR + GAP) - GAP + ROW_PADDING;
	const height = PANEL_HEAD + names.length * rowHeight + 22;
	const bottom = top + PANEL_HEAD + names.length * rowHeight - ROW_PADDING / 2;
	const parts = [
		`<path d="M${MARGIN} ${top + 8} H${WIDTH - MARGIN}" stroke="${RULE}"/>`,
		text(MARGIN, top + 36, TITLES[result.shape], { size: 16, weight: 600 }),
		text(WIDTH - MARGIN, top + 36, LIMITS[result.shape], { fill: FAINT, anchor: "end" }),
	];
	for (const at of [0, 0.25, 0.5, 0.75, 1]) {
		const style = at === 1 ? `stroke="${INK}" stroke-width="1.2"` : `stroke="${RULE}"`;
		parts.push(`<path d="M${x(at)} ${top + PANEL_HEAD - 10} V${bottom}" ${style}/>`);
		const label = at === 1 ? "1 = limit" : String(at);
		parts.push(text(x(at), bottom + 16, label, { fill: FAINT, size: 11, anchor: "middle" }));
	}
	for (const [index, name] of names.entries()) {
		const y = top + PANEL_HEAD + index * rowHeight;
		parts.push(text(LEFT - 14, y + BAR - 3, caseOf(name).title, { anchor: "end", weight: 500 }));
		const limit = rows.find((row) => row.case === name && row.kind === "limit");
		for (const [number, shop] of shops.entries()) {
			const row = rows.find((one) => one.case === name && one.side === shop.name);
			if (row !== undefined) {
				parts.push(bar(row, limit, rows, y + number * (BAR + GAP), colour(number, shops.length)));
			}
		}
	}
	return { content: parts.join("\n"), height };
}

function bar(row: Row, limit: Row | undefined, rows: Row[], y: number, fill: string): string {
	const value = reached(row, rows) ?? 0;
	const shown = Math.min(value, RATIO_MAX);
	const isReached = row.goal !== undefined && value >= row.goal;
	const label = `${value < 0.1 ? value.toFixed(3) : value.toFixed(2)}${isReached ? " ✓" : ""}`;
	const order = rows.find(({ case: name, side }) => name === "order" && side === row.side);
	const other = row.goal_of
		? order && `, its orders ${short(order.per_second)}/s`
		: limit && ` of ${short(limit.per_second)}/s`;
	const p99 = Number.isFinite(row.p99_ms) ? ` · p99 ${short(row.p99_ms)} ms` : "";
	// Next to the line of the limit, the label fits only inside the bar.
	const place = value > 0.9 ? ({ anchor: "end", fill: "#ffffff" } as const) : { halo: true };
	const parts = [
		`<rect x="${LEFT}" y="${y}" width="${ONE - LEFT}" height="${BAR}" rx="3" fill="${TRACK}"/>`,
		`<rect x="${LEFT}" y="${y}" width="${Math.max(2, x(shown) - LEFT).toFixed(1)}" height="${BAR}" rx="3" fill="${fill}"/>`,
		text(x(shown) + (value > 0.9 ? -7 : 6), y + BAR - 4, label, { weight: 600, size: 12, ...place }),
		text(TEXT, y + BAR - 4, `${short(row.per_second)}/s${other ?? ""}${p99}`, { fill: FAINT, size: 12 }),
	];
	if (row.goal !== undefined) {
		parts.push(
			`<path d="M${x(row.goal)} ${y - 3} V${y + BAR + 3}" stroke="${GOAL}" stroke-width="2.5" stroke-linecap="round"/>`,
		);
	}
	return parts.join("\n");
}

function x(ratio: number): number {
	return LEFT + ratio * (ONE - LEFT);
}

/** Returns the colour of a shop. The last shop, usually the newest, has the strongest colour. */
function colour(index: number, shops: number): string {
	return COLOURS[(shops - 1 - index) % COLOURS.length] as string;
}
