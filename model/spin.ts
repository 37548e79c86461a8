import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

/** Macro that selects pages.pml instead of toko.pml. */
export const PAGES = "HOLD_PAGES";
const [MODEL, PAGES_MODEL] = ["toko", "pages"].map((name) =>
	fileURLToPath(new URL(`./${name}.pml`, import.meta.url)),
) as [string, string];
/** Names of C compilers in order of preference. */
const COMPILERS = ["gcc", "cc", "clang"];
const MEMORY_MB = 4000;
const DEPTH = 500_000;
const OUTPUT_BYTES = 64 * 1024 * 1024;

const run = promisify(execFile);

/** The model checker installed on this machine. */
export interface Checker {
	/** Version such as `Spin Version 6.5.2`. */
	version: string;
	compiler: string;
}

/**
 * Kind of search. `all` checks that no assertion fails, that every promise holds in each final state, and that the shop
 * comes to rest once failures stop (no livelock). `shortest` finds the shortest counterexample, but no livelocks.
 */
export type Search = "all" | "shortest";

/** Flags of the compiler. A counterexample is found sooner than the compiler has optimised the search for it. */
const FLAGS: Record<Search, string[]> = { all: ["-O1", "-DNP"], shortest: ["-O0", "-DSAFETY", "-DBFS"] };

export interface Outcome {
	states: number;
	seconds: number;
	memory_mb: number;
	/** Undefined if the check succeeds. */
	counterexample?: Counterexample;
}

/** Name of the promise that a livelock breaks: failures have stopped, but the shop never comes to rest. */
export const LIVELOCK = "the shop comes to rest";

export interface Counterexample {
	/** The broken promise, or `LIVELOCK`. */
	broken: string;
	/** The steps, one per line. */
	steps: string[];
}

/** Finds Spin and a C compiler. Returns undefined if one is missing. */
export async function findChecker(): Promise<Checker | undefined> {
	const version = await output("spin", ["-V"]);
	for (const compiler of version === undefined ? [] : COMPILERS) {
		if ((await output(compiler, ["--version"])) !== undefined) {
			return { version: (version as string).split(" -- ")[0] as string, compiler };
		}
	}
	return undefined;
}

/**
 * Checks all states of the model exactly, without skipping any.
 *
 * @param defines Macros of toko.pml, such as `ORDERS=2`, or of pages.pml together with `HOLD_PAGES`.
 * @throws Error if Spin or the compiler fails, or if memory is too small to visit every state.
 */
export async function check({ compiler }: Checker, defines: string[], search: Search): Promise<Outcome> {
	const directory = await mkdtemp(join(tmpdir(), "toko-model-"));
	const options = { cwd: directory, maxBuffer: OUTPUT_BYTES };
	const model = defines.includes(PAGES) ? PAGES_MODEL : MODEL;
	const macros = defines.map((define) => `-D${define}`);
	try {
		await run("spin", [...macros, "-a", model], options);
		const flags = [...FLAGS[search], "-DCOLLAPSE", `-DMEMLIM=${MEMORY_MB}`];
		await run(compiler, ["-w", ...flags, "-o", "pan", "pan.c"], options);
		const started_at = performance.now();
		const args = [`-m${DEPTH}`, ...(search === "all" ? ["-l"] : [])];
		const report = await complete(join(directory, "pan"), args, options);
		const seconds = (performance.now() - started_at) / 1000;
		const states = numberIn(report, /([\d.e+]+) states, stored/);
		const memory_mb = numberIn(report, /([\d.]+)\s+total actual memory usage/);
		if (/errors: 0$/m.test(report)) {
			return { states, seconds, memory_mb };
		}
		const { stdout } = await run(
			"spin",
			[...macros, "-T", "-t", "-k", `${basename(model)}.trail`, model],
			options,
		);
		return { states, seconds, memory_mb, counterexample: readTrail(stdout) };
	} finally {
		await rm(directory, { recursive: true, force: true });
	}
}

/** Runs the verifier. Its exit code is not reliable, so its output must confirm that the search was complete. */
async function complete(
	pan: string,
	args: string[],
	options: { cwd: string; maxBuffer: number },
): Promise<string> {
	const { stdout } = await run(pan, args, options).catch((error) => {
		if (typeof error.stdout === "string" && /errors: [1-9]/.test(error.stdout)) {
			return error as { stdout: string };
		}
		throw error;
	});
	const failure = /error: max search depth too small|out of memory|aborted/.exec(stdout);
	if (failure || !/errors: \d+$/m.test(stdout)) {
		throw new Error(`Spin has not visited every state: ${failure?.[0] ?? stdout.slice(-300)}`);
	}
	return stdout;
}

/** Extracts the steps to a failure from Spin's replay. */
function readTrail(replayed: string): Counterexample {
	const lines = replayed.split("\n").map((line) => line.trim());
	const end = lines.findIndex((line) => /^(broken: |spin: trail ends)/.test(line));
	const steps = lines
		.slice(0, end)
		.filter((line) => line !== "" && !line.startsWith("spin:"))
		.map((line) => (line.includes("START OF CYCLE") ? "repeated forever:" : line));
	const [, broken] = /^broken: (.*)/.exec(lines[end] ?? "") ?? [];
	return { steps, broken: broken ?? LIVELOCK };
}

async function output(program: string, args: string[]): Promise<string | undefined> {
	return run(program, args).then(
		({ stdout }) => stdout.trim(),
		() => undefined,
	);
}

function numberIn(text: string, pattern: RegExp): number {
	return Number(pattern.exec(text)?.[1] ?? Number.NaN);
}
