import { existsSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { StartError } from "../../infra/backing-services.ts";
import { CASE_NAMES, type CaseName } from "./cases.ts";
import { CURVES, type CurveName } from "./growth/curve.ts";
import type { GrowthOptions } from "./growth.ts";
import type { Shape } from "./side.ts";

/** Options of the measurement against the limits. */
export interface MainOptions {
	cases: CaseName[];
	shapes: Shape[];
	rounds: number;
	/** Duration of each turn. */
	seconds: number;
	sustained_seconds: number;
	connections: number;
	/** True if all connections come from one address. */
	isNat: boolean;
	/** Checkouts of Toko, each with a unique name. */
	shops: { name: string; directory: string }[];
	/** Folder for CPU profiles. */
	profiles: string | undefined;
	/** Folder for the reports. */
	results: string;
	own_directory: string;
}

/** A separate measurement that does not use the cases. */
export type Special =
	| "finding"
	| "costs"
	| "store"
	| "holds"
	| "growth"
	| "memory"
	| "observability"
	| "checkout";

/** Options of the separate measurements; each uses some of them. */
export interface SpecialOptions {
	special: Special;
	rounds: number;
	store: "mongo" | "nedb";
	directory: string;
	growth: GrowthOptions;
	minutes: number;
	results: string;
}

export type Options = { special: undefined; main: MainOptions } | SpecialOptions;

/** Arguments of the command. */
export interface Arguments {
	values: Partial<
		Record<
			"rounds" | "seconds" | "sustained" | "connections" | "shape" | "store" | "out" | "most" | "minutes",
			string
		>
	> & {
		shop?: string[];
		profile?: boolean;
		nat?: boolean;
	};
	positionals: string[];
}

const SEE = "see npm run bench -- --help";

/** Options that each measurement accepts. */
const SPECIALS: Record<Special, readonly string[]> = {
	finding: [],
	costs: ["rounds", "store"],
	store: [],
	holds: ["shop"],
	growth: ["shop", "most", "out"],
	memory: ["shop", "minutes", "out"],
	observability: ["shop", "rounds"],
	checkout: ["shop", "rounds"],
};

const ROUNDS_MAX = 50;
const SPECIAL_ROUNDS = 5;
const MOST = 1_000_000;

/**
 * Reads the options of `npm run bench`.
 *
 * @param given Result of `util.parseArgs`.
 * @param own_directory The checkout that this program belongs to.
 * @throws StartError with a message of one line.
 */
export function readOptions({ values, positionals }: Arguments, own_directory: string): Options {
	const [special] = positionals;
	if (special !== undefined && Object.hasOwn(SPECIALS, special)) {
		return readSpecial(special as Special, { values, positionals }, own_directory);
	}
	if (values.store !== undefined) {
		throw new StartError(`--store is only for costs; ${SEE}`);
	}
	for (const [name, owner] of [
		["most", "growth"],
		["minutes", "memory"],
	] as const) {
		if (values[name] !== undefined) {
			throw new StartError(`--${name} is only for ${owner}; ${SEE}`);
		}
	}
	const unknown = positionals.find((name) => !(CASE_NAMES as string[]).includes(name));
	if (unknown !== undefined) {
		throw new StartError(`unknown case "${unknown}": use one of ${CASE_NAMES.join(", ")}; ${SEE}`);
	}
	const shape = values.shape ?? "both";
	if (shape !== "one" && shape !== "five" && shape !== "both") {
		throw new StartError(`--shape must be one, five or both, not "${shape}"; ${SEE}`);
	}
	const results = resultsOf(values.out, own_directory);
	return {
		special: undefined,
		main: {
			cases: CASE_NAMES.filter((name) => positionals.length === 0 || positionals.includes(name)),
			shapes: shape === "both" ? ["one", "five"] : [shape],
			rounds: readInteger("rounds", values.rounds ?? "3", 1, ROUNDS_MAX),
			seconds: readInteger("seconds", values.seconds ?? "5", 1, 600),
			sustained_seconds: readInteger("sustained", values.sustained ?? "60", 1, 3600),
			connections: readInteger("connections", values.connections ?? "32", 1, 1000),
			isNat: values.nat ?? false,
			shops: namedShops(values.shop ?? [own_directory]),
			profiles: values.profile ? join(results, "profiles") : undefined,
			results,
			own_directory,
		},
	};
}

function readSpecial(
	special: Special,
	{ values, positionals }: Arguments,
	own_directory: string,
): SpecialOptions {
	const [, ...others] = positionals;
	const unsupported = Object.keys(values).find((name) => !SPECIALS[special].includes(name));
	if (unsupported !== undefined) {
		throw new StartError(`--${unsupported} is not an option of ${special}; ${SEE}`);
	}
	const store = values.store ?? "mongo";
	if ((others.length > 0 && special !== "growth") || (store !== "mongo" && store !== "nedb")) {
		throw new StartError(`--store must be mongo or nedb, and ${special} takes no further arguments; ${SEE}`);
	}
	const unknown = others.find((name) => !(CURVES as readonly string[]).includes(name));
	if (unknown !== undefined) {
		throw new StartError(`unknown curve "${unknown}": use one of ${CURVES.join(", ")}; ${SEE}`);
	}
	const [shop] = namedShops(values.shop ?? [own_directory]);
	const directory = shop?.directory ?? own_directory;
	const results = resultsOf(values.out, own_directory);
	const curves = CURVES.filter((name) => others.length === 0 || others.includes(name)) as CurveName[];
	const most = readInteger("most", values.most ?? String(MOST), 1000, MOST);
	return {
		...{ special, store, directory, results },
		rounds: readInteger("rounds", values.rounds ?? String(SPECIAL_ROUNDS), 1, ROUNDS_MAX),
		growth: { curves, most, directory, results },
		minutes: readInteger("minutes", values.minutes ?? "30", 1, 1440),
	};
}

function resultsOf(out: string | undefined, own_directory: string): string {
	return resolve(out ?? join(own_directory, "bench/results"));
}

/** Names each shop after its folder; duplicate names get a number. */
function namedShops(directories: string[]): { name: string; directory: string }[] {
	const names = new Set(["limit"]);
	return directories.map((value) => {
		const directory = resolve(value);
		if (!existsSync(join(directory, "cli/run.mjs"))) {
			throw new StartError(`${value} is not a checkout of Toko: it has no cli/run.mjs`);
		}
		const base = directories.length === 1 ? "shop" : basename(directory);
		let name = base;
		for (let number = 2; names.has(name); number++) {
			name = `${base}-${number}`;
		}
		names.add(name);
		return { name, directory };
	});
}

function readInteger(name: string, value: string, min: number, max: number): number {
	const number = Number(value);
	if (!Number.isSafeInteger(number) || number < min || number > max) {
		throw new StartError(`--${name} must be a whole number from ${min} to ${max}, not "${value}"; ${SEE}`);
	}
	return number;
}
