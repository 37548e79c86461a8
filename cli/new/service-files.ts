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

/** Written by `npm run openapi`, and deleted by it once the service is in no list. */
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
export async function addService(name: string, print: (line: string) => void): Promise<void> {
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
		print(`wrote ${path}`);
	}
	await changeList((text) => withLine(text, name));
	print("added its line to contracts/services.ts");
	writeGenerated();
	const next = [
		[`npm test -- integration/${name}`, "its test"],
		["npm start", `GET /api/v1/${name} answers [], GET /health/${singular(name)} its health`],
		[`contracts/${name}.ts`, "the actions and their fields; after a change: npm run openapi"],
		[
			`services/${name}/`,
			"what they do, and its tables: once the shop has run, change these in migrations/002-….sql",
		],
		["CONTRIBUTING.md", "what follows from the contract"],
		["docs/how-to/extend.md", "how a service publishes events and handles them"],
	];
	const width = Math.max(...next.map(([where = ""]) => where.length));
	print(`
Next:
${next.map(([where = "", what]) => `  ${where.padEnd(width)}  ${what}`).join("\n")}
To delete it again: npm run new -- --remove ${name}`);
}

/**
 * Deletes a service that `addService` has made.
 *
 * @throws StartError if one of its files was changed since; nothing is deleted then.
 */
export async function removeService(name: string, print: (line: string) => void): Promise<void> {
	checkForm(name);
	const files = await filesOf(name);
	for (const [path, text] of files) {
		if ((await readFile(new URL(path, ROOT), "utf8").catch(() => "")) !== text) {
			const own = [`services/${name}/`, ...[...files.keys()].filter((one) => !one.startsWith("services/"))];
			const paths = own.filter((one) => existsSync(new URL(one, ROOT)));
			throw new StartError(
				paths.length === 0
					? `there is no service ${name}`
					: `${path} was changed since \`npm run new\`: delete ${paths.join(", ")} by hand, take both lines of ${name} out of contracts/services.ts and run \`npm run openapi\``,
			);
		}
	}
	for (const path of files.keys()) {
		await rm(new URL(path, ROOT));
		print(`deleted ${path}`);
	}
	for (const folder of [`services/${name}/migrations`, `services/${name}`]) {
		// Files that somebody has added stay.
		await rmdir(new URL(folder, ROOT)).catch(() => print(`left ${folder}, which is not empty`));
	}
	await changeList((text) => withoutLine(text, name));
	writeGenerated();
	print(
		`removed ${name}; where it ran, its database toko_${name} and its events are left: docs/how-to/extend.md#remove-a-service`,
	);
}

function checkForm(name: string): void {
	if (!/^[a-z]{3,20}$/.test(name)) {
		throw new StartError(
			`"${name}" is no name of a service: take a noun of 3 to 20 lower-case letters, such as reviews`,
		);
	}
}

function checkName(name: string): void {
	checkForm(name);
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

/** Matches nouns that end in s and are no plural. */
const NO_PLURAL = /(ss|us|is|news|series|species)$/;

/** Returns the singular of a name; of a noun that is no plural, such as `stock` or `status`, an `entry` of it. */
export function singular(name: string): string {
	const one = NO_PLURAL.test(name)
		? name
		: name
				.replace(/ies$/, "y")
				.replace(/(?<=ch|sh|ss|x|[^aeo]us)es$/, "")
				.replace(/(?<![su])s$/, "");
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
			"the generated files could not be written: remove the cause, and run `npm run openapi`",
		);
	}
}
