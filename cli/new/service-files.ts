import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, readFile, rm, rmdir, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { namedServices } from "../../hosting/services.ts";
import { StartError } from "../../infra/start-error.ts";

const ROOT = new URL("../../", import.meta.url);
const LIST = new URL("contracts/services.ts", ROOT);

/** A file that is made, and its template here. */
const FILES = [
	["contracts/{{name}}.ts", "contract.template"],
	["services/{{name}}/{{name}}.service.ts", "service.template"],
	["services/{{name}}/audit.ts", "audit.template"],
	["services/{{name}}/migrations/001-{{name}}.sql", "migration.template"],
	["test/integration/{{name}}.test.ts", "test.template"],
] as const;

/** Written by `npm run openapi`, which deletes nothing. */
const MANIFEST = "ops/kubernetes/{{name}}.yaml";

/** Words that mean something else already: in a template, the list, an address, a container or SQL. */
const RESERVED = [
	"action contract contracts databases events limit moment outboxes services skip text",
	"api audit docs documents health live mailpit mongo nats postgres ready toko",
	"analyse analyze array authorization cast check collate column constraint foreign grant group lateral leading only",
	"order placing primary references select similar symmetric table trailing unique user variadic window",
]
	.join(" ")
	.split(" ");

/**
 * Makes a service: contract, service, audit, first migration and test, its line in the list, and what follows from them.
 *
 * @throws StartError for a name that is none or is taken; then nothing was written.
 */
export async function addService(name: string, say: (line: string) => void): Promise<void> {
	checkName(name);
	const files = await filesOf(name);
	const manifest = fileOf(MANIFEST, name);
	const there = [...files.keys(), manifest].filter((path) => existsSync(new URL(path, ROOT)));
	if (there.length > 0) {
		throw new StartError(`${name} is taken: ${there.join(", ")} is there already`);
	}
	for (const [path, text] of files) {
		const file = new URL(path, ROOT);
		await mkdir(new URL("./", file), { recursive: true });
		await writeFile(file, text, { flag: "wx" });
		say(`wrote ${path}`);
	}
	await changeList((text) => withLine(text, name));
	say("added its line to contracts/services.ts");
	writeGenerated();
	const next = [
		[`npm test -- integration/${name}`, "its test"],
		["npm start", `GET /api/v1/${name} answers [], GET /health/${singular(name)} its health`],
		[`contracts/${name}.ts`, "the actions and their fields; after a change: npm run openapi"],
		[`services/${name}/`, "what they do; a later change of its tables is migrations/002-….sql"],
		[
			"CONTRIBUTING.md",
			"what follows from the contract, and how a service publishes events and listens to some",
		],
	];
	const width = Math.max(...next.map(([where = ""]) => where.length));
	say(`
Next:
${next.map(([where = "", what]) => `  ${where.padEnd(width)}  ${what}`).join("\n")}
To take it away again: npm run new -- --remove ${name}`);
}

/**
 * Takes a service away that was made so.
 *
 * @throws StartError where a file of it was changed or added since; then nothing was deleted.
 */
export async function removeService(name: string, say: (line: string) => void): Promise<void> {
	const files = await filesOf(name);
	for (const [path, text] of files) {
		if ((await readFile(new URL(path, ROOT), "utf8").catch(() => "")) !== text) {
			throw new StartError(
				`${path} is not as \`npm run new\` has made it: delete the service by hand, take its line out of contracts/services.ts and run \`npm run openapi\``,
			);
		}
	}
	for (const path of files.keys()) {
		await rm(new URL(path, ROOT));
		say(`deleted ${path}`);
	}
	for (const folder of [`services/${name}/migrations`, `services/${name}`]) {
		// Others that somebody has put there stay.
		await rmdir(new URL(folder, ROOT)).catch(() => say(`left ${folder}, which is not empty`));
	}
	await changeList((text) => withoutLine(text, name));
	await rm(new URL(fileOf(MANIFEST, name), ROOT), { force: true });
	writeGenerated();
	say(`removed ${name}; where it ran, its database toko_${name} is left`);
}

function checkName(name: string): void {
	if (!/^[a-z]{3,20}$/.test(name)) {
		throw new StartError(
			`"${name}" is no name of a service: take a noun of 3 to 20 lower-case letters, such as reviews`,
		);
	}
	const isTaken = (word: string) => RESERVED.includes(word) || isKeyword(word);
	if (namedServices("").includes(name) || [name, singular(name)].some(isTaken)) {
		throw new StartError(`${name} is taken: it means something else already`);
	}
}

function isKeyword(name: string): boolean {
	try {
		new Function(`"use strict"; const ${name} = 0;`);
		return false;
	} catch {
		return true;
	}
}

async function filesOf(name: string): Promise<Map<string, string>> {
	const files = new Map<string, string>();
	for (const [path, template] of FILES) {
		const text = await readFile(new URL(template, import.meta.url), "utf8");
		files.set(fileOf(path, name), withSortedImports(fileOf(text, name)));
	}
	return files;
}

function fileOf(template: string, name: string): string {
	const one = singular(name);
	const values: Record<string, string> = { name, Name: capitalised(name), one, One: capitalised(one) };
	return template.replace(/\{\{(\w+)\}\}/g, (_, field: string) => values[field] as string);
}

/** One of what the name says; of a noun that is no plural an `entry`. */
function singular(name: string): string {
	const one = name
		.replace(/ies$/, "y")
		.replace(/(?<=ch|sh|ss|x)es$/, "")
		.replace(/(?<!s)s$/, "");
	return one === name ? `${name}Entry` : one;
}

function capitalised(word: string): string {
	return word.replace(/^./, (letter) => letter.toUpperCase());
}

/** As Biome wants them, whatever the name is. */
function withSortedImports(text: string): string {
	return text.replace(/(?:^import .*;\n)+/m, (imports) => {
		const lines = imports.trimEnd().split("\n");
		const moduleOf = (line: string) => line.slice(line.indexOf('"'));
		const isPackage = (line: string) => !moduleOf(line).startsWith('".');
		const [packages, own] = [lines.filter(isPackage), lines.filter((line) => !isPackage(line))];
		own.sort((one, other) => (moduleOf(one) < moduleOf(other) ? -1 : 1));
		return `${[...packages, ...own].join("\n")}\n`;
	});
}

async function changeList(change: (text: string) => string): Promise<void> {
	const text = await readFile(LIST, "utf8");
	await writeFile(LIST, change(text));
}

function importOf(name: string): string {
	return `import { ${name} } from "./${name}.ts";\n`;
}

function withLine(text: string, name: string): string {
	const listed = text.replace(/(?<=^export const services = \{\n(?:\t.*\n)*)(?=\};)/m, `\t${name},\n`);
	return withSortedImports(importOf(name) + listed);
}

function withoutLine(text: string, name: string): string {
	return text.replace(importOf(name), "").replace(`\t${name},\n`, "");
}

/** In a process of its own, which knows the new list. */
function writeGenerated(): void {
	const program = fileURLToPath(new URL("cli/openapi.ts", ROOT));
	const { status } = spawnSync(process.execPath, [...process.execArgv, program], {
		cwd: dirname(dirname(program)),
		stdio: ["ignore", "inherit", "inherit"],
	});
	if (status !== 0) {
		throw new StartError(
			"what follows from the list could not be written: mend that, and run `npm run openapi`",
		);
	}
}
