import { readFile } from "node:fs/promises";
import { expect, test } from "@jest/globals";
import { commands } from "../../cli/arguments.mjs";
import { COMPOSE_VARIABLES, VARIABLES } from "../../config/variables.ts";
import { allActions, events } from "../../contracts/actions.ts";
import { PROBLEMS } from "../../contracts/problem-codes.ts";

const root = new URL("../../", import.meta.url);
const { scripts } = JSON.parse(await readFile(new URL("package.json", root), "utf8"));

// `test/unit/openapi.test.ts` checks that these files are what `npm run openapi` writes.
test.each<[file: string, expected: Iterable<string>, place: RegExp]>([
	["commands", commands, /^## (.+)$/gm],
	["actions", allActions().keys(), /^### (v.+)$/gm],
	["events", Object.keys(events), /^### (.+)$/gm],
	["errors", Object.keys(PROBLEMS), /^\| `(\w+)`/gm],
	["configuration", [...Object.keys(VARIABLES), ...Object.keys(COMPOSE_VARIABLES)], /^\| `(\w+)`/gm],
])("docs/reference/%s.md describes all of them, each once", async (file, expected, place) => {
	const text = await read(file);
	const found = [...text.matchAll(place)]
		.map(([, name]) => name)
		.filter((name) => name !== "Development tools");
	expect(found.sort()).toEqual([...expected].sort());
});

test("docs/reference/commands.md has every script of package.json", async () => {
	const text = await read("commands");
	const found = [...text.matchAll(/^\| `npm (?:run )?([\w-]+)/gm)].map(([, name]) => name);
	expect([...new Set(found)].sort()).toEqual(Object.keys(scripts).sort());
});

test("docs/reference/actions.md describes every type that it names", async () => {
	const text = await read("actions");
	const code = [...text.matchAll(/`[^`\n]*`/g)].join().replace(/"[^"]*"/g, "");
	const named = code.match(/(?<![\w-])[A-Z][a-z]\w+(?![\w-])/g) ?? [];
	const types = [...text.matchAll(/^### ([A-Z]\w+)$/gm)].map(([, name]) => name as string);
	expect(types).toEqual(expect.arrayContaining(["Order", "OrderLine", "User"]));
	expect(named.filter((name) => !types.includes(name))).toEqual([]);
});

function read(file: string): Promise<string> {
	return readFile(new URL(`docs/reference/${file}.md`, root), "utf8");
}
