import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join, posix, resolve } from "node:path";
import { expect, test } from "@jest/globals";

const repository = resolve(import.meta.dirname, "../..");

/** The imports of each program of the repository, as paths from its root. */
const importsOf = new Map(
	execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard", "*.ts", "*.mjs"], {
		cwd: repository,
		encoding: "utf8",
	})
		.split("\n")
		.filter((path) => path !== "")
		.map((path) => [path, imports(path)]),
);

/** The folders in the order of docs/explanation/architecture.md, the uppermost first. */
const order = [
	...readFileSync(join(repository, "docs/explanation/architecture.md"), "utf8").matchAll(
		/^(\w+|services\/<name>|moleculer\.config\.ts)\/? {2,}\S/gm,
	),
].map(([, name]) => folderOf(`${name}/`));

test("each folder of programs has its place in the architecture, and imports only from those below it", () => {
	const folders = new Set([...importsOf.keys()].filter((path) => path.includes("/")).map(folderOf));
	expect([...folders].filter((folder) => !order.includes(folder))).toEqual([]);
	const upwards = [...importsOf].flatMap(([path, imported]) =>
		imported
			.filter((other) => path.includes("/") && order.indexOf(folderOf(other)) < order.indexOf(folderOf(path)))
			.map((other) => `${path} imports ${other}`),
	);
	expect(upwards).toEqual([]);
});

test("no files import each other in a circle", () => {
	let left = [...importsOf.keys()];
	for (let before = left.length + 1; left.length < before; ) {
		before = left.length;
		const imported = new Set(left.flatMap((path) => importsOf.get(path) ?? []));
		left = left.filter(
			(path) => imported.has(path) && importsOf.get(path)?.some((other) => left.includes(other)),
		);
	}
	expect(left).toEqual([]);
});

function imports(path: string): string[] {
	const text = readFileSync(join(repository, path), "utf8");
	return [...text.matchAll(/^(?:import|export|\} from) .*?"(\.[^"]+)";$|\bimport\("(\.[^"`$]+)"\)/gm)].map(
		([, named, loaded]) => posix.join(posix.dirname(path), (named ?? loaded) as string),
	);
}

/** Returns the uppermost folder of a path, or a file beside the folders. */
function folderOf(path: string): string {
	return path.split("/", 1)[0] as string;
}
