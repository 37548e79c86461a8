import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

/** In the macros of a configuration: it is of pages.pml, not of toko.pml. */
export const PAGES = "HOLD_PAGES";
const [MODEL, PAGES_MODEL] = ["toko", "pages"].map((name) =>
	fileURLToPath(new URL(`.//${name}.pml`, import.meta.url)),
) as [string, string];
/** Of a C compiler, the first one that is there. */
const COMPILERS = ["gcc", "cc", "clang"];
const MEMORY_MB = 4000;
const DEPTH = 500_000;
const OUTPUT_BYTES = 64 * 1024 * 1024;

const run = promisify(execFile);

/** The model checker of this machine. */
export interface Checker {
	/** Such as `Spin Version 6.5.2`. */
	version: string;
	compiler: string;
}

/**
 * `all`: no assertion fails, where nothing can happen any more every promise is kept, and once nothing fails any more the
 * shop gets there: there is no livelock. `shortest`: the same without livelocks, with the shortest counterexample.
 */
export type Search = "all" | "shortest";

const FLAGS: Record<Search, string[]> = { all: ["-DNP"], shortest: ["-DSAFETY", "-DBFS"] };

export interface Outcome {
	states: number;
	seconds: number;
	memory_mb: number;
	/** Undefined where the check holds. */
	counterexample?: Counterexample;
}

/** Nothing fails any more, and yet there is no end. */
export const LIVELOCK = "the shop comes to rest";

export interface Counterexample {
	/** The promise that is broken, or `LIVELOCK`. */
	broken: string;
	/** What happens, line by line. */
	steps: string[];
}

/** Finds Spin and a C compiler; undefined where one of them is missing. */
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
 * Checks all states of the model: exactly, no state is passed over.
 *
 * @param defines Macros of toko.pml, such as `ORDERS=2`, or with `HOLD_PAGES` of pages.pml.
 * @throws where Spin or the compiler fails, or where there is not enough memory to see every state.
 */
export async function check({ compiler }: Checker, defines: string[], search: Search): Promise<Outcome> {
	const directory = await mkdtemp(join(tmpdir(), "toko-model-"));
	const options = { cwd: directory, maxBuffer: OUTPUT_BYTES };
	const model = defines.includes(PAGES) ? PAGES_MODEL : MODEL;
	const macros = defines.map((define) => `-D${define}`);
	try {
		await run("spin", [...macros, "-a", model], options);
		const flags = [...FLAGS[search], "-DCOLLAPSE", `-DMEMLIM=${MEMORY_MB}`];
		await run(compiler, ["-O1", "-w", ...flags, "-o", "pan", "pan.c"], options);
		const begun = performance.now();
		const args = [`-m${DEPTH}`, ...(search === "all" ? ["-l"] : [])];
		const report = await complete(join(directory, "pan"), args, options);
		const seconds = (performance.now() - begun) / 1000;
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

/** Runs the verifier. Its exit code tells nothing, so what it printed has to say that it got to the end. */
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
		throw new Error(`Spin has not seen every state: ${failure?.[0] ?? stdout.slice(-300)}`);
	}
	return stdout;
}

/** The lines that the model prints on the way to a failure, as Spin repeats it. */
function readTrail(replayed: string): Counterexample {
	const lines = replayed.split("\n").map((line) => line.trim());
	const end = lines.findIndex((line) => /^(broken: |spin: trail ends)/.test(line));
	const steps = lines
		.slice(0, end)
		.filter((line) => line !== "" && !line.startsWith("spin:"))
		.map((line) => (line.includes("START OF CYCLE") ? "again and again:" : line));
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
