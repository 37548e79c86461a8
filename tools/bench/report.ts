import { type CaseName, caseOf } from "./cases.ts";
import { chart } from "./chart.ts";
import { table, writeFiles } from "./markdown.ts";
import type { Measured, ShapeResult, SideSummary } from "./measure.ts";
import { topLines } from "./profiles.ts";
import { type Row, reached, rowsOf } from "./summary.ts";

/** Maximum number of cores used by other programs before the report warns. */
const BUSY_CORES = 0.2;

const SHAPES = {
	one: "one process, against hand-written node:http and pg",
	five: "five processes over NATS, against the same hand-written",
} as const;

/** Tells whether a response was unexpected, a mail is missing, or orders were miscounted. */
export function hasFailures({ shapes }: Measured): boolean {
	return shapes.some(
		({ samples, sides }) =>
			samples.some(({ turn, mails }) => Object.keys(turn.failed).length > 0 || (mails?.missing ?? 0) > 0) ||
			sides.some(({ orders_answered, orders_stored }) => orders_answered !== orders_stored),
	);
}

/** Writes the reports. Returns the Markdown report followed by their paths. */
export async function writeReports(measured: Measured): Promise<string> {
	const { results, profiles, cases } = measured.options;
	const text = markdown(measured, profiles === undefined ? "" : await topLines(profiles));
	const name = cases.length === 1 ? `report-${cases[0]}` : "report";
	const files = [
		[`${name}.md`, text.replace("report.svg", `${name}.svg`)],
		[`${name}.svg`, chart(measured)],
		[`${name}.json`, `${JSON.stringify(measured, null, "\t")}\n`],
	] as const;
	const written = await writeFiles(results, files);
	return `${text}\nwritten: ${written}`;
}

/** Formats the report in Markdown. */
export function markdown(measured: Measured, profiles = ""): string {
	const { options, shapes } = measured;
	const { connections, seconds, rounds, shops } = options;
	return [
		"# The shop compared with hand-written limits",
		"",
		`${measured.begun_at.slice(0, 16).replace("T", " ")} UTC, ${measured.cores} cores, Node ${measured.node}. ` +
			`${connections} keep-alive connections${options.isNat ? " from one address" : ", each from its own address"}, ${rounds} ${rounds === 1 ? "round" : "rounds"} of ${seconds} s, limit and shop alternating; figures are ` +
			"medians over the rounds, ratios are medians of the ratios of each round. Request limits are off " +
			"(`RATE_LIMIT=0`), everything else is as in `npm start`.",
		...(shops.length > 1 ? ["", ...shops.map(({ name, directory }) => `- \`${name}\`: ${directory}`)] : []),
		"",
		"![ratios to the limit](report.svg)",
		"",
		...warnings(measured).flatMap((line) => [`> **Warning:** ${line}`, ""]),
		...shapes.flatMap((shape) => shapeSection(shape)),
		...(profiles ? ["## Where the time goes", "", profiles] : []),
		"## What was measured",
		"",
		...options.cases.map((name) => `- **${caseOf(name).title}**: ${caseOf(name).explanation}`),
		"",
		"CPU is processor time of a server's own processes, including its PostgreSQL and NATS, minus what they use when " +
			"idle, and for orders until the last mail is sent. _CPU ratio_ is the limit's for a unit divided by the " +
			"shop's: a busy machine moves it less than the ratio of speeds. The limits keep products in memory, send no " +
			"security headers, `ETag` or mails for unpaid orders, and look up tokens instead of checking a signature; " +
			"their PostgreSQL and NATS are the shop's programs with the shop's settings, `synchronous_commit` on.",
		"",
	].join("\n");
}

/** Returns reasons to doubt the figures. */
export function warnings({ warnings: initial, shapes }: Measured): string[] {
	const found = [...initial];
	for (const { shape, samples, sides } of shapes) {
		const busy = samples.filter(({ others_cores }) => others_cores > BUSY_CORES);
		if (busy.length > 0) {
			const most = Math.max(...busy.map(({ others_cores }) => others_cores));
			found.push(
				`${SHAPES[shape]}: other programs used the machine in ${busy.length} of ${samples.length} turns ` +
					`(up to ${most.toFixed(1)} cores).`,
			);
		}
		const stolen = samples.filter(({ stolen_cores }) => stolen_cores > BUSY_CORES / 4);
		if (stolen.length > 0) {
			found.push(`${SHAPES[shape]}: the host withheld processor time in ${stolen.length} turns.`);
		}
		for (const { name, orders_answered, orders_stored } of sides) {
			if (orders_answered !== orders_stored) {
				found.push(
					`${name}: ${orders_answered} orders returned 201, but ${orders_stored} are in the database.`,
				);
			}
		}
		for (const sample of samples) {
			const { missing = 0, doubled = 0 } = sample.mails ?? {};
			if (missing > 0 || doubled > 0) {
				const what = `${missing} mails are missing and ${doubled} arrived twice`;
				found.push(`${sample.side}, ${caseOf(sample.case).title}, round ${sample.round}: ${what}.`);
			}
		}
	}
	return found;
}

function shapeSection(result: ShapeResult): string[] {
	const rows = rowsOf(result);
	const { sides } = result;
	return [
		`## ${SHAPES[result.shape][0]?.toUpperCase()}${SHAPES[result.shape].slice(1)}`,
		"",
		...throughput(rows),
		...failures(rows),
		...processorTimes(rows, sides),
		...postgres(rows),
		...mails(result),
		...idle(sides),
	];
}

function throughput(rows: Row[]): string[] {
	const body = rows.map((row) => {
		const value = reached(row, rows);
		const isReached = row.goal !== undefined && value !== undefined && value >= row.goal;
		const of = row.goal_of ? ` of ${row.goal_of}: ${ratio(value)}` : "";
		const goal = row.goal === undefined ? "" : `${row.goal}${of}${isReached ? " ✓" : ""}`;
		return [
			caseOf(row.case).title,
			row.side,
			`${short(row.per_second)}${row.spread > 0 ? ` ±${Math.round(row.spread * 50)} %` : ""}`,
			row.kind === "limit" ? "1" : row.case === "sustained" ? "" : `**${ratio(row.ratio)}**`,
			row.kind === "limit" ? "" : goal,
			row.kind === "limit" ? "1" : ratio(row.cpu_ratio),
			milliseconds(row.p50_ms),
			milliseconds(row.p99_ms),
			short(row.cpu_all),
			short(row.memory_mb),
			count(Object.values(row.failed)),
			row.others_cores.toFixed(1),
		];
	});
	const header = [
		...["case", "server", "per second", "ratio", "goal", "CPU ratio", "p50 ms", "p99 ms"],
		...["CPU ms per 1,000", "memory MB", "failed", "other load, cores"],
	];
	return table(header, body);
}

function failures(rows: Row[]): string[] {
	const found = rows.flatMap((row) =>
		Object.entries(row.failed).map(
			([what, times]) => `- ${caseOf(row.case).title}, ${row.side}: ${times} × ${what}`,
		),
	);
	return found.length === 0 ? [] : ["Unexpected responses:", "", ...found, ""];
}

function processorTimes(rows: Row[], sides: SideSummary[]): string[] {
	return sides.flatMap(({ name }) => {
		const own = rows.filter(({ side }) => side === name);
		const parts = [...new Set(own.flatMap(({ cpu }) => Object.keys(cpu)))].toSorted();
		const header = [`${name}: CPU ms per 1,000`, ...own.map((row) => caseOf(row.case).title)];
		const body = parts.map((part) => [part, ...own.map(({ cpu }) => short(cpu[part] ?? 0))]);
		return table(header, [...body, ["all", ...own.map(({ cpu_all }) => short(cpu_all))]]);
	});
}

function postgres(rows: Row[]): string[] {
	const counted = rows.filter(({ commits }) => commits !== undefined);
	if (counted.length === 0) {
		return [];
	}
	const header = [
		...["PostgreSQL, per order", "server", "commits", "of which writing", "CPU ms", "kB of WAL"],
	];
	const body = counted.map((row) => [
		caseOf(row.case).title,
		row.side,
		(row.commits ?? 0).toFixed(2),
		(row.writes ?? 0).toFixed(2),
		(row.postgres_ms ?? 0).toFixed(2),
		((row.wal_bytes ?? 0) / 1024).toFixed(1),
	]);
	return table(header, body);
}

function mails({ samples }: ShapeResult): string[] {
	const names: CaseName[] = ["mail", "sustained"];
	const body = samples
		.filter((sample) => names.includes(sample.case) && sample.mails)
		.map(({ case: name, side, round, turn, mails: found }) => [
			caseOf(name).title,
			side,
			String(round),
			short((turn.done * 1000) / turn.elapsed_ms),
			short(found?.completed ?? 0),
			String(found?.missing),
			String(found?.doubled),
			((found?.drained_ms ?? 0) / 1000).toFixed(1),
		]);
	const header = ["mails", "server", "round", "accepted per second", "complete orders"];
	return body.length === 0 ? [] : table([...header, "missing", "doubled", "last after s"], body);
}

function idle(sides: SideSummary[]): string[] {
	const body = sides.map(({ name, idle_cpu, idle_memory_mb, idle_commits, ready_ms, second_start_ms }) => {
		const total = (values: Record<string, number>) =>
			Object.values(values).reduce((sum, one) => sum + one, 0);
		const { PostgreSQL: _postgres, NATS: _nats, MongoDB: _mongo, ...own } = idle_memory_mb;
		return [
			name,
			`${(total(idle_cpu) / 10).toFixed(1)} %`,
			idle_commits.toFixed(1),
			short(total(own)),
			short(total(idle_memory_mb)),
			(ready_ms / 1000).toFixed(1),
			second_start_ms === undefined ? "" : (second_start_ms / 1000).toFixed(1),
		];
	});
	const header = [
		"idle",
		"CPU of a core",
		"commits per second",
		"memory MB without servers",
		"with servers",
		"first start s",
		"second start s",
	];
	return table(header, body);
}

function ratio(value: number | undefined): string {
	if (value === undefined || !Number.isFinite(value)) {
		return "";
	}
	return value < 0.1 ? value.toFixed(3) : value.toFixed(2);
}

/** Formats a number with two significant digits, from 100 on as an integer. */
function short(value: number): string {
	if (!Number.isFinite(value)) {
		return "";
	}
	return value >= 100 ? Math.round(value).toLocaleString("en") : value.toPrecision(2).replace(/\.0+$/, "");
}

function milliseconds(value: number): string {
	return Number.isFinite(value) ? (value >= 100 ? value.toFixed(0) : value.toPrecision(2)) : "";
}

function count(values: number[]): string {
	return String(values.reduce((sum, value) => sum + value, 0));
}
