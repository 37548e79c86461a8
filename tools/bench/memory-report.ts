import { getBorderCharacters, table as textTable } from "table";
import { lineChart, type Panel } from "./line-chart.ts";
import { table, writeFiles } from "./markdown.ts";
import { GROWTH_MAX, gainOf, type Memory } from "./memory.ts";
import { RATE } from "./steady.ts";

/** Formats the verdicts as a table for the terminal. */
export function formatMemory(memory: Memory): string {
	const lines = textTable(rowsOf(memory), {
		border: getBorderCharacters("void"),
		columnDefault: { alignment: "right", paddingLeft: 0, paddingRight: 2 },
		columns: { 0: { alignment: "left" }, 6: { alignment: "left" } },
		drawHorizontalLine: () => false,
	});
	return [`${summary(memory)}\n`, lines.trimEnd(), ...remarks(memory)].join("\n");
}

/** Writes the report and its chart into a folder. Returns the names of the files. */
export function writeMemory(folder: string, memory: Memory): Promise<string> {
	return writeFiles(folder, [
		["memory.md", memoryMarkdown(memory)],
		["memory.json", `${JSON.stringify(memory, null, "\t")}\n`],
		["memory.svg", memoryChart(memory)],
	]);
}

/** Formats the report in Markdown. */
export function memoryMarkdown(memory: Memory): string {
	const [header = [], ...rows] = rowsOf(memory);
	return [
		"# Memory under steady load",
		"",
		`${memory.begun_at.slice(0, 16).replace("T", " ")} UTC, ${memory.cores} cores, Node ${memory.node}. ${summary(memory)}. ` +
			"Memory is heaps, stacks and shared buffers (`Pss_Anon`, `Pss_Shmem` and `SwapPss` of Linux), without files: the share of a program's file " +
			"that counts for a process depends on how many others run it. PostgreSQL's processes are one line. " +
			"The heap is the memory in use after the last full garbage collection.",
		"",
		`_Flat_: the median of the last fifth of the time is at most ${GROWTH_MAX * 100} % above that of the second fifth.`,
		"",
		"![memory of each process](memory.svg)",
		"",
		...table(header, rows),
		...remarks(memory).flatMap((line) => [`> ${line}`, ""]),
	].join("\n");
}

/** Draws two diagrams as an SVG: the memory of each process, and the heaps. */
export function memoryChart(memory: Memory): string {
	const { at_minutes, lines } = memory;
	const end = Math.max(at_minutes.at(-1) ?? 0, 1 / 60);
	const xs = at_minutes.map((minute) => minute / end);
	const ticks = Array.from({ length: 6 }, (_, index) => ({
		x: index / 5,
		label: `${Number(((end * index) / 5).toFixed(1))} min`,
	}));
	const panel = (title: string, of: (line: Memory["lines"][number]) => number[]): Panel => ({
		title,
		unit: "MB",
		ticks,
		lines: lines
			.filter((line) => of(line).some(Number.isFinite))
			.map((line) => ({
				name: line.part,
				label: `${line.part}: ${(of(line).findLast(Number.isFinite) ?? 0).toFixed(0)} MB`,
				points: of(line).map((value, index) => [xs[index] as number, value] as const),
			})),
	});
	const panels = [
		panel("Memory of each process", ({ own_mb }) => own_mb),
		panel("Heap in use after garbage collection", ({ heap_mb }) => heap_mb),
	];
	return lineChart(
		"Memory under steady load",
		`${memory.begun_at.slice(0, 10)}, ${memory.cores} cores. ${summary(memory)}`,
		panels.filter((one) => one.lines.length > 0),
	);
}

function rowsOf({ lines }: Memory): string[][] {
	const header = [
		"process",
		"MB, second fifth",
		"last fifth",
		"growth",
		"heap MB, second fifth",
		"last fifth",
		"verdict",
	];
	const rows = lines.map(({ part, own_mb, heap_mb }) => {
		const gain = gainOf(own_mb);
		const heap = gainOf(heap_mb);
		const share = gain && `${gain.share >= 0 ? "+" : ""}${(gain.share * 100).toFixed(1)} %`;
		return [
			part,
			gain?.warm_mb.toFixed(1) ?? "",
			gain?.last_mb.toFixed(1) ?? "",
			share ?? "",
			heap?.warm_mb.toFixed(1) ?? "",
			heap?.last_mb.toFixed(1) ?? "",
			gain === undefined ? "too short" : gain.isFlat ? "flat" : "grows",
		];
	});
	return [header, ...rows];
}

function summary({ answers, at_minutes, minutes }: Memory): string {
	const done = at_minutes.at(-1) ?? 0;
	const length = done > minutes - 0.5 ? `${minutes} minutes` : `${done.toFixed(1)} of ${minutes} minutes`;
	return `${length} of about ${RATE} requests per second, ${answers.toLocaleString("en")} responses`;
}

function remarks({ failed }: Memory): string[] {
	return Object.entries(failed).map(([what, times]) => `unexpected: ${times} × ${what}`);
}
