import { commands, type Option, reference } from "../arguments.mjs";
import { code, document, table, WRITTEN } from "./markdown.ts";

/** Scripts of package.json that are not programs in cli/. */
const TOOLS: Record<string, string> = {
	test: "runs all tests on servers of their own; `npm test -- NAME` those of files with this name, `npm test -- --help` lists Jest's options",
	lint: "checks formatting and style with Biome",
	format: "formats with Biome and fixes what it can",
	typecheck: "checks the types with TypeScript",
};

/** Generates docs/reference/commands.md from `cli/arguments.mjs`. */
export function commandsReference(): string {
	return document(
		WRITTEN,
		"# Commands",
		"`npm run NAME -- --help` prints the same. A command refuses options that it does not know before it starts anything.",
		...commands.flatMap((name) => {
			const { usage, options } = reference(name);
			return [
				`## ${name}`,
				table(
					["command", "effect"],
					usage.map(([form, effect]) => [code(form), effect]),
				),
				options.length === 0 ? "" : table(["option", "meaning"], options.map(optionRow)),
			];
		}),
		"## Development tools",
		table(
			["command", "effect"],
			Object.entries(TOOLS).map(([name, effect]) => [
				code(name === "test" ? "npm test" : `npm run ${name}`),
				effect,
			]),
		),
	);
}

function optionRow([name, { type, multiple, note = "" }]: [string, Option]): string[] {
	return [
		code(`--${name}${type === "string" ? " VALUE" : ""}`),
		multiple ? `${note}; can be repeated` : note,
	];
}
