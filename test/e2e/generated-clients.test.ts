import { execFile } from "node:child_process";
import { copyFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { inheritedVariables } from "../../config/environment.ts";
import { cleanUp, newFolder, startShop } from "../../tools/shop-process.ts";
import { preparedFolder } from "./prepared-folder.ts";

const clients = join(import.meta.dirname, "clients");
let address: string;
let products: number;

beforeAll(async () => {
	({ address } = await startShop(await preparedFolder()));
	products = 0;
	let next: string | undefined = "/api/v1/products?limit=100";
	while (next) {
		const page: Response = await fetch(`${address}${next}`);
		products += ((await page.json()) as unknown[]).length;
		next = /^<([^>]+)>/.exec(page.headers.get("link") ?? "")?.[1];
	}
});

afterAll(cleanUp);

/** Output of a client that supports every operation. */
const done = () => [
	"registered",
	"logged in",
	`listed all of ${products} products`,
	"found a product",
	"ordered once",
	"read the order",
	"was refused",
	"was told what is short",
	"asked whether the shop is ready",
];

/** A short run is over before the JVM has optimised it. */
const MAVEN_OPTS = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC";

/** Runs a program and returns its output. Fails with all of its output. */
async function run(program: string, args: string[], cwd?: string): Promise<string> {
	const { stdout } = await promisify(execFile)(program, args, {
		...(cwd ? { cwd } : {}),
		env: { ...inheritedVariables(), MAVEN_OPTS },
		maxBuffer: 2 ** 26,
	}).catch((error: Error & { stdout?: string; stderr?: string }) => {
		throw new Error(`${error.message}\n${error.stdout}\n${error.stderr}`);
	});
	return stdout;
}

const linesOf = (output: string) => output.split("\n").filter((line) => line !== "");

/**
 * Tells whether the programs that a client needs are installed; otherwise prints a line that the client was not tested.
 */
async function has(what: string, ...programs: [string, ...string[]][]): Promise<boolean> {
	for (const [program, ...args] of programs) {
		try {
			await run(program, args);
		} catch {
			process.stderr.write(`NOT RUN: a generated client, because there is no ${what}\n`);
			return false;
		}
	}
	return true;
}

async function folderWithDocument(): Promise<string> {
	const folder = newFolder();
	writeFileSync(join(folder, "openapi.json"), await (await fetch(`${address}/openapi.json`)).text());
	return folder;
}

test("a Java client generated from the document compiles, orders and reads the reason of a refusal", async () => {
	if (!(await has("JDK 11 with Maven", ["javac", "--release", "11", "-version"], ["mvn", "-version"]))) {
		return;
	}
	const folder = await folderWithDocument();
	for (const file of ["pom.xml", "Shopper.java"]) {
		copyFileSync(join(clients, file), join(folder, file));
	}
	const goals = [
		"org.openapitools:openapi-generator-maven-plugin:generate",
		"org.apache.maven.plugins:maven-compiler-plugin:compile",
		"org.codehaus.mojo:exec-maven-plugin:java",
	];
	const stdout = await run("mvn", ["-q", "-B", ...goals], folder);
	const said = new Set(linesOf(stdout));
	expect(done().filter((line) => !said.has(line))).toEqual([]);
});

test("a Python client generated from the document orders and reads the reason of a refusal", async () => {
	if (
		!(await has("Python 3.11 with venv", [
			"python3",
			"-c",
			"import ensurepip, venv; from enum import StrEnum",
		]))
	) {
		return;
	}
	const folder = await folderWithDocument();
	await run("python3", ["-m", "venv", "venv"], folder);
	const program = (name: string) => join(folder, "venv/bin", name);
	const needed = join(clients, "requirements.txt");
	await run(
		program("pip"),
		["install", "-q", "--no-deps", "--no-compile", "--disable-pip-version-check", "-r", needed],
		folder,
	);
	const generate = ["generate", "--path", "openapi.json", "--output-path", "shop", "--meta", "none"];
	await run(program("openapi-python-client"), generate, folder);
	copyFileSync(join(clients, "shopper.py"), join(folder, "shopper.py"));
	const stdout = await run(program("python"), ["shopper.py", address], folder);
	expect(linesOf(stdout)).toEqual(done());
});
