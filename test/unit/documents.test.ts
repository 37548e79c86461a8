import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { expect, test } from "@jest/globals";
import { asksForHelp, commands, readArguments } from "../../cli/arguments.mjs";
import { PROBLEMS } from "../../contracts/problem-codes.ts";

const repository = resolve(import.meta.dirname, "../..");

/** Every document of the repository by path, without those ignored by git. */
const documents = new Map(
	execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard", "*.md"], {
		cwd: repository,
		encoding: "utf8",
	})
		.split("\n")
		.filter((path) => path !== "" && existsSync(join(repository, path)))
		.map((path) => [path, readFileSync(join(repository, path), "utf8")]),
);

/** Documents about the current version; the changelog refers to former files and settings. */
const present = [...documents].filter(([path]) => path !== "CHANGELOG.md");

const { scripts } = JSON.parse(readFileSync(join(repository, "package.json"), "utf8")) as {
	scripts: Record<string, string>;
};

/**
 * Names in capitals that are neither settings nor error codes of Toko, but belong to SQL, HTTP, libraries or other
 * programs.
 */
const FOREIGN = new Set([
	...["CREATEDB", "CONNECT", "LISTEN", "NOTIFY", "GET", "PATH", "TO DO"],
	...[
		"PGSSLMODE",
		"PGOPTIONS",
		"DATABASE_URL",
		"NODE_PG_FORCE_NATIVE",
		"DEBUG",
		"NODE_TLS_REJECT_UNAUTHORIZED",
	],
	...["NODE_EXTRA_CA_CERTS", "TMPDIR", "POWER_CUTS", "CHANGE_ME"],
	// Used in the Python tutorial.
	"JWT_SECRET",
]);

/** Files that the reader of a tutorial creates. */
const TO_BE_CREATED = /wishes/;

test("every link points at an existing file, and every anchor at a heading", () => {
	const broken = [...documents].flatMap(([path, text]) =>
		linksOf(text)
			.filter((link) => !isThere(path, link))
			.map((link) => `${path}: ${link}`),
	);
	expect(broken).toEqual([]);
});

test("every npm command names an existing script, with arguments that it accepts", () => {
	const wrong = [...documents].flatMap(([path, text]) =>
		[...codeOf(text)].flatMap(npmCommands).flatMap((command) => {
			const refusal = refusalOf(command);
			return refusal === undefined ? [] : [`${path}: ${command}: ${refusal}`];
		}),
	);
	expect(wrong).toEqual([]);
});

test("every option that stands alone belongs to a command", () => {
	const unknown = present.flatMap(([path, text]) =>
		inlineCode(text)
			.flatMap((code) => code.match(/^(?:-- )?--([a-z][a-z-]*)/)?.[1] ?? [])
			.filter((option) => option !== "help" && !commands.some((command) => takes(command, option)))
			.map((option) => `${path}: --${option}`),
	);
	expect(unknown).toEqual([]);
});

test("every name in capitals is a setting, an error code or a constant", () => {
	const known = new Set([...settingNames(), ...Object.keys(PROBLEMS), ...constantNames(), ...FOREIGN]);
	const unknown = present.flatMap(([path, text]) =>
		inlineCode(text)
			.flatMap((code) => code.match(/^([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)*)(?:=.*)?$/)?.[1] ?? [])
			.filter((name) => name.length > 1 && !known.has(name))
			.map((name) => `${path}: ${name}`),
	);
	expect(unknown).toEqual([]);
});

test("every named file of the repository exists", () => {
	const folders = new Set(readdirSync(repository));
	const missing = present.flatMap(([path, text]) =>
		inlineCode(text)
			.filter((code) => /^[\w.-]+\/[\w./-]*$/.test(code) && folders.has(code.split("/")[0] as string))
			.filter((code) => !existsSync(join(repository, code)) && !TO_BE_CREATED.test(code) && !isIgnored(code))
			.map((code) => `${path}: ${code}`),
	);
	expect(missing).toEqual([]);
});

test("every name that a document places in a file stands there", () => {
	const missing = present.flatMap(([path, text]) =>
		[...withoutBlocks(text).matchAll(/((?:`\w+(?:\(\))?`(?:, )?)+): `([\w./-]+\/?)`/g)].flatMap(
			([, names = "", file = ""]) =>
				inlineCode(names)
					.map((name) => name.replace("()", ""))
					.filter((name) => existsSync(join(repository, file)) && !hasWord(codeIn(file), name))
					.map((name) => `${path}: ${name} in ${file}`),
		),
	);
	expect(missing).toEqual([]);
});

test("every function that a document names exists", () => {
	const code = codeIn(".");
	const missing = present.flatMap(([path, text]) =>
		inlineCode(text)
			.filter((name) => /^[a-z]+[A-Z]\w*(\(\))?$|^\w+\(\)$/.test(name))
			.filter((name) => !isForeign(name, path) && !hasWord(code, name.replace("()", "")))
			.map((name) => `${path}: ${name}`),
	);
	expect(missing).toEqual([]);
});

test("the table of services names each call of another service", () => {
	const architecture = documents.get("docs/explanation/architecture.md") as string;
	const rows = [...architecture.matchAll(/^\| (\w+) +\|[^|]*\|([^|]*)\|/gm)].filter(([, service]) =>
		existsSync(join(repository, `services/${service}`)),
	);
	expect(rows.length).toBeGreaterThanOrEqual(5);
	const missing = rows.flatMap(([, service, calls = ""]) => {
		const named = calls.split(";").flatMap((part) => {
			const [first = "", ...more] = inlineCode(part);
			const [callee] = first.split(".");
			return [first, ...more.map((action) => `${callee}.${action}`)];
		});
		const made = codeIn(`services/${service}`).matchAll(
			/(?:callAction|ctx\.call|withAction)(?:<\w+>)?\((?:\s*[\w.]+,)?\s*"v\d+\.(\w+)\.(\w+)"/g,
		);
		return [...made]
			.map(([, callee, action]) => `${callee}.${action}`)
			.filter((call) => !call.startsWith(`${service}.`) && !named.includes(call))
			.map((call) => `${service} calls ${call}`);
	});
	expect(missing).toEqual([]);
});

test("the README, in both languages, has at most 150 lines, the same code and the same links", () => {
	const [english, indonesian] = ["README.md", "README.id.md"].map(
		(path) => documents.get(path) as string,
	) as [string, string];
	for (const text of [english, indonesian]) {
		expect(text.trimEnd().split("\n").length).toBeLessThanOrEqual(150);
	}
	expect(blocksOf(indonesian).filter((block) => !block.startsWith("mermaid"))).toEqual(
		blocksOf(english).filter((block) => !block.startsWith("mermaid")),
	);
	expect(linksOf(indonesian).filter(isDocument).sort()).toEqual(linksOf(english).filter(isDocument).sort());
});

/** Returns the relative targets of links and images, outside of code. */
function linksOf(text: string): string[] {
	const prose = withoutBlocks(text).replaceAll(/(`+)(?!`)[\s\S]*?[^`]\1(?!`)/g, "");
	return [...prose.matchAll(/\]\(<?([^)\s>]+)>?(?:\s+"[^"]*")?\)|^\[[^\]]+\]:\s*(\S+)/gm)]
		.map(([, inline, reference]) => (inline ?? reference) as string)
		.filter((target) => !/^[a-z][a-z+.-]*:/i.test(target));
}

/** Tells whether a link is not one between the two READMEs, which link to each other. */
function isDocument(link: string): boolean {
	return !link.startsWith("README");
}

function isThere(path: string, link: string): boolean {
	const [file, anchor] = link.split("#", 2) as [string, string?];
	const target = file === "" ? join(repository, path) : resolve(repository, dirname(path), decodeURI(file));
	if (!existsSync(target) || relative(repository, target).startsWith("..")) {
		return false;
	}
	return anchor === undefined || (statSync(target).isFile() && headings(target).has(anchor));
}

/** Returns the anchors of a document's headings, by the rules of GitHub. */
function headings(file: string): Set<string> {
	const seen = new Map<string, number>();
	const anchors = new Set<string>();
	for (const [, heading = ""] of withoutBlocks(readFileSync(file, "utf8")).matchAll(
		/^#{1,6}\s+(.+?)\s*#*$/gm,
	)) {
		const slug = heading
			.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, "$1")
			.toLowerCase()
			.replaceAll(/[^\p{L}\p{N}\p{M}\s_-]/gu, "")
			.replaceAll(/\s/g, "-");
		const count = seen.get(slug) ?? 0;
		seen.set(slug, count + 1);
		anchors.add(count === 0 ? slug : `${slug}-${count}`);
	}
	return anchors;
}

function withoutBlocks(text: string): string {
	return text.replaceAll(/^([ \t]*)(```+|~~~+)[\s\S]*?^\1\2[ \t]*$/gm, "");
}

/** Returns the code blocks, each with its language in front. */
function blocksOf(text: string): string[] {
	return [...text.matchAll(/^[ \t]*```([\s\S]*?)^[ \t]*```[ \t]*$/gm)].map(([, block]) => block as string);
}

/** Returns the inline code in prose and tables, on one line each. */
function inlineCode(text: string): string[] {
	return [...withoutBlocks(text).matchAll(/`([^`]+)`/g)].map(([, code]) =>
		(code as string).replaceAll(/\s*\n\s*/g, " ").replaceAll("\\|", "|"),
	);
}

function* codeOf(text: string): Generator<string> {
	yield* inlineCode(text);
	yield* blocksOf(text).flatMap((block) => block.split("\n"));
}

/** Returns the npm commands in a line, each up to the next shell command or comment. */
function npmCommands(line: string): string[] {
	return [...line.matchAll(/\bnpm (?:run|start|test)\b.*?(?=\s(?:#|\||&&|;|&)(?:\s|$)|[;)]|$)/g)].map(
		([found]) => found.trim(),
	);
}

/**
 * Returns the reason why a command would be refused, or undefined. Ignores brackets and dots of usages such as
 * `[NAME…]`.
 */
function refusalOf(command: string): string | undefined {
	const [, verb, ...words] = command.replaceAll(/[[\]…"']/g, "").split(/\s+/) as [
		string,
		string,
		...string[],
	];
	while (words[0] === "-s" || words[0] === "--silent") {
		words.shift();
	}
	const script = verb === "run" ? words.shift() : verb;
	if (script === undefined || /^[A-Z]/.test(script)) {
		return undefined;
	}
	if (!Object.hasOwn(scripts, script)) {
		return "no such script";
	}
	if (words.length > 0 && words[0] !== "--") {
		return "its arguments must follow --";
	}
	const args = words.slice(1);
	if (!commands.includes(script) || asksForHelp(args)) {
		return undefined;
	}
	try {
		readArguments(script, args);
		return undefined;
	} catch (error) {
		return (error as Error).message;
	}
}

function takes(command: string, option: string): boolean {
	return [`--${option}`, `--${option}=1`].some((arg) => {
		try {
			readArguments(command, [arg]);
			return true;
		} catch {
			return false;
		}
	});
}

/** Returns the names of settings in `config/`, the template and the containers. */
function settingNames(): string[] {
	const files = [
		...readdirSync(join(repository, "config")).map((name) => `config/${name}`),
		...[".env.example", "docker-compose.yml", "ops/make-secrets"],
	];
	return files.flatMap(
		(file) => readFileSync(join(repository, file), "utf8").match(/\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)*\b/g) ?? [],
	);
}

function hasWord(text: string, word: string): boolean {
	return new RegExp(`\\b${word}\\b`).test(text);
}

/** Returns the text of the programs, statements and settings of a file or folder. */
function codeIn(path: string): string {
	const files = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard", path], {
		cwd: repository,
		encoding: "utf8",
	});
	return files
		.split("\n")
		.filter((file) => /\.(ts|mjs|sql|pml|ya?ml)$/.test(file) && existsSync(join(repository, file)))
		.map((file) => readFileSync(join(repository, file), "utf8"))
		.join("\n");
}

/** Tells whether a name belongs to another program, or to the service that the reader of a tutorial creates. */
function isForeign(name: string, path: string): boolean {
	return /tutorials\/from-python|CONTRIBUTING|ops\/kubernetes\/README/.test(path) || TO_BE_CREATED.test(name);
}

/** Returns the constants of the code, which documents may refer to. */
function constantNames(): string[] {
	const lines = execFileSync("git", ["grep", "-hoE", "const [A-Z][A-Z0-9_]+", "--", "*.ts", "*.mjs"], {
		cwd: repository,
		encoding: "utf8",
	});
	return lines.split("\n").map((line) => line.slice("const ".length));
}

/** Tells whether git ignores a path, as it does for generated files. */
function isIgnored(path: string): boolean {
	try {
		execFileSync("git", ["check-ignore", "--quiet", path], { cwd: repository });
		return true;
	} catch {
		return false;
	}
}
