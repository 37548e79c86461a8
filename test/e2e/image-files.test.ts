import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { commands } from "../../cli/arguments.mjs";
import { image, isShipped, letIn, shippedImports } from "./image.ts";
import { ImageCopy } from "./image-copy.ts";

// The files of the image, without Docker: what the Dockerfile copies, and the production packages.

/** Commands that need a checkout, and say so in the image. */
const CHECKOUT_ONLY = ["bench", "chaos", "model", "observe", "openapi", "test"];

const copy = new ImageCopy();

beforeAll(() => copy.make());
afterAll(() => copy.remove());

describe("the image's files", () => {
	test(".dockerignore lets in what the Dockerfile copies, and nothing else", () => {
		const copied = [...image.copied, ...image.copiedForPackages].map(({ from }) => from);
		expect(letIn().sort()).toEqual([...new Set(copied)].sort());
		expect(image.copiedForPackages.map(({ from }) => from)).toEqual(["package.json", "package-lock.json"]);
	});

	test("packages are installed as this test lays them out", () => {
		expect(image.installing).toEqual([
			"npm ci --omit=dev --ignore-scripts --no-audit --no-fund",
			expect.stringMatching(/^rm -rf( node_modules\/[\w@-]+)+$/),
		]);
	});

	test("no file imports a file or package that the image lacks, but those of commands that say so", () => {
		const missing = shippedImports(copy.files).filter(
			({ file, imported }) => !isShipped(copy.files, file, imported),
		);
		const from = new Set(missing.map(({ file }) => file));
		expect([...from].sort()).toEqual([
			"cli/bench.ts",
			"cli/chaos.ts",
			"cli/generated/generated-files.ts",
			"cli/model.ts",
			"cli/observe.ts",
			"cli/pictures.ts",
		]);
	});
});

describe("without a shop", () => {
	test("every command answers -h, also with a wrong setting", async () => {
		const answers = await inTurn(commands, (name) => copy.result([`cli/${name}.ts`, "-h"], { PORT: "none" }));
		for (const [name, answer] of answers) {
			expect({ name, ...answer }).toEqual({
				...{ name, code: 0, errors: "" },
				output: expect.stringMatching(new RegExp(`^npm (run )?${name}\\b`)),
			});
		}
	});

	test("a command that needs a checkout says so in one line", async () => {
		const direct = CHECKOUT_ONLY.filter((name) => name !== "test").map((name) => [`cli/${name}.ts`]);
		const byNpm = CHECKOUT_ONLY.map((name) => ["cli/run.mjs", name]);
		for (const [args, answer] of await inTurn([...direct, ...byNpm], (args) => copy.result(args))) {
			const line = /^toko: [a-z]+ runs in a checkout of the repository only: there is no [a-z/]+ here\n$/;
			expect({ args, ...answer }).toEqual({
				...{ args, code: 1, output: "" },
				errors: expect.stringMatching(line),
			});
		}
	});

	test("a server for development is not installed there, as one line says", async () => {
		expect(await copy.result(["cli/mongo.ts"])).toEqual({
			...{ code: 1, output: "" },
			errors: expect.stringMatching(/^toko: [^\n]*\n$/),
		});
	});
});

/** Does this for each, two at a time. */
async function inTurn<T, R>(things: T[], work: (thing: T) => Promise<R>): Promise<[T, R][]> {
	const done: [T, R][] = [];
	const left = [...things];
	const worker = async () => {
		for (let thing = left.shift(); thing !== undefined; thing = left.shift()) {
			done.push([thing, await work(thing)]);
		}
	};
	await Promise.all([worker(), worker()]);
	return done;
}
