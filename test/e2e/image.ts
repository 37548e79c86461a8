import {
	chmodSync,
	copyFileSync,
	cpSync,
	existsSync,
	linkSync,
	mkdirSync,
	readdirSync,
	readFileSync,
} from "node:fs";
import { dirname, join, resolve } from "node:path";

const repository = resolve(import.meta.dirname, "../..");
const dockerfile = readFileSync(join(repository, "Dockerfile"), "utf8")
	.replace(/^\s*#.*\n/gm, "")
	.replace(/\\\n/g, " ");
const [, packagesStage = "", lastStage = ""] = dockerfile.split(/^FROM .*$/m);

/** The image as the Dockerfile describes it. */
export const image = {
	/** Files and folders of the repository, each with its place below the image's `WORKDIR`. */
	copied: copies(lastStage),
	/** Files that the stage with the packages copies. */
	copiedForPackages: copies(packagesStage),
	/** Installation of the packages: every step of its `RUN`. */
	installing: instruction(packagesStage, "RUN").split(/\s*&&\s*/),
	environment: Object.fromEntries(
		[...instruction(lastStage, "ENV").matchAll(/(\w+)=(\S+)/g)].map(([, name, value]) => [name, value]),
	) as Record<string, string>,
	entrypoint: JSON.parse(instruction(lastStage, "ENTRYPOINT")) as string[],
	healthcheck: JSON.parse(instruction(lastStage, "HEALTHCHECK").replace(/^.*? CMD /, "")) as string[],
};

/** The paths that .dockerignore lets in; everything else stays out. */
export function letIn(): string[] {
	const [first, ...rest] = readFileSync(join(repository, ".dockerignore"), "utf8")
		.split("\n")
		.filter((line) => line !== "" && !line.startsWith("#"));
	if (first !== "*" || rest.some((line) => !/^![\w./-]+$/.test(line))) {
		throw new Error(".dockerignore is read here as `*` and then lines of the form !PATH");
	}
	return rest.map((line) => line.slice(1));
}

/**
 * Lays out in a folder what the image has in its `WORKDIR`, with the production packages that are installed here, and
 * lets nobody write there. No file is a link into the repository by its name.
 */
export function layOut(folder: string): void {
	for (const { from, to } of image.copied) {
		cpSync(join(repository, from), join(folder, to), { recursive: true });
	}
	for (const path of productionPackages()) {
		linkFiles(join(repository, path), join(folder, path));
	}
	setFolders(folder, 0o555);
}

/** Lets the folder be removed. */
export function letWrite(folder: string): void {
	setFolders(folder, 0o755);
}

/** A second name of a file, or a copy where that is another file system. */
export function linkOrCopy(from: string, to: string): void {
	try {
		linkSync(from, to);
	} catch {
		copyFileSync(from, to);
	}
}

/** The packages that `npm ci --omit=dev` installs on this machine, by their folders, without those that the Dockerfile removes. */
function productionPackages(): string[] {
	const lock = JSON.parse(readFileSync(join(repository, "package-lock.json"), "utf8")) as {
		packages: Record<string, { dev?: boolean; optional?: boolean }>;
	};
	const removed = image.installing
		.filter((step) => step.startsWith("rm -rf "))
		.flatMap((step) => step.split(/\s+/).slice(2));
	return Object.entries(lock.packages)
		.filter(([path, { dev }]) => path !== "" && !dev)
		.filter(([path]) => !removed.some((folder) => path === folder || path.startsWith(`${folder}/`)))
		.filter(([path, { optional }]) => {
			const isHere = existsSync(join(repository, path));
			if (!isHere && !optional) {
				throw new Error(`${path} is not installed: run npm ci`);
			}
			return isHere;
		})
		.map(([path]) => path);
}

/** The files of one package, without the packages below it, which the lockfile lists by themselves. */
function linkFiles(from: string, to: string): void {
	mkdirSync(to, { recursive: true });
	for (const entry of readdirSync(from, { withFileTypes: true })) {
		const [source, target] = [join(from, entry.name), join(to, entry.name)];
		if (entry.isFile()) {
			linkOrCopy(source, target);
		} else if (entry.isDirectory() && entry.name !== "node_modules") {
			linkFiles(source, target);
		}
	}
}

function setFolders(folder: string, mode: number): void {
	chmodSync(folder, 0o755);
	for (const entry of readdirSync(folder, { withFileTypes: true })) {
		if (entry.isDirectory()) {
			setFolders(join(folder, entry.name), mode);
		}
	}
	chmodSync(folder, mode);
}

/** Files that a stage copies from the repository: `COPY a b ./` and `COPY a ./a`. */
function copies(stage: string): { from: string; to: string }[] {
	return [...stage.matchAll(/^COPY (?!--from)(.+)$/gm)].flatMap(([, given = ""]) => {
		const sources = given.trim().split(/\s+/);
		const target = sources.pop() as string;
		return sources.map((from) => ({ from, to: target.endsWith("/") ? join(target, from) : target }));
	});
}

function instruction(stage: string, name: string): string {
	const found = new RegExp(`^${name} (.+)$`, "m").exec(stage)?.[1];
	if (found === undefined) {
		throw new Error(`no ${name} in the Dockerfile`);
	}
	return found.trim();
}

/** The shipped sources, by their paths in the image, with what they import when they run. */
export function shippedImports(folder: string): { file: string; imported: string }[] {
	const files = image.copied.flatMap(({ to }) => {
		const path = join(folder, to);
		return existsSync(path) && readdirOrNone(path).length > 0
			? readdirOrNone(path).map((name) => join(to, name))
			: [to];
	});
	return files
		.filter((file) => /\.(ts|mjs)$/.test(file) && !file.endsWith(".d.mts"))
		.flatMap((file) => {
			const text = readFileSync(join(folder, file), "utf8");
			const found = text.matchAll(
				/^(?:import|export)\s+(?!type\b)(?:[\w\s{},*$]+\s+from\s+)?"([^"]+)";|import\("([^"]+)"\)|createRequire\(import\.meta\.url\)\("([^"]+)"\)/gm,
			);
			return [...found].map(([, ...groups]) => ({
				file,
				imported: groups.find((group) => group !== undefined) as string,
			}));
		});
}

function readdirOrNone(path: string): string[] {
	try {
		return readdirSync(path, { recursive: true }) as string[];
	} catch {
		return [];
	}
}

/** Tells whether a file or package that a shipped file imports is in the image too. */
export function isShipped(folder: string, file: string, imported: string): boolean {
	if (imported.startsWith("node:")) {
		return true;
	}
	if (imported.startsWith(".")) {
		return existsSync(join(folder, dirname(file), imported));
	}
	const name = imported
		.split("/")
		.slice(0, imported.startsWith("@") ? 2 : 1)
		.join("/");
	const { dependencies } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
	return name in dependencies && existsSync(join(folder, "node_modules", name, "package.json"));
}
