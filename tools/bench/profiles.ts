import { readdirSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { join, resolve, sep } from "node:path";
import { fileURLToPath } from "node:url";

interface ProfileNode {
	id: number;
	callFrame: { functionName: string; url: string; lineNumber: number };
	children?: number[];
}

/** The fields of a V8 CPU profile that are read here. */
export interface Profile {
	nodes: ProfileNode[];
	/** Node ids of the samples, taken every few hundred microseconds. */
	samples: number[];
	/** Microseconds before each sample. */
	timeDeltas: number[];
}

/** A function or a package, and its share of the active time of the process. */
export interface Share {
	where: string;
	share: number;
}

const LINES = 12;
const NOT_WORK = new Set(["(idle)", "(program)", "(root)"]);
/** The innermost folder of this repository in a path, with its subfolder: `services/orders`, `mixins`. */
const OWN_FOLDER = new RegExp(`^.*/((?:${foldersOfRepository().join("|")})(?:/[\\w-]+)?)/`);

/** Lists, in Markdown, the most expensive functions and packages of every profile below a folder. */
export async function topLines(folder: string): Promise<string> {
	const files = (await readdir(folder, { recursive: true })).filter((name) => name.endsWith(".cpuprofile"));
	const sections: string[] = [];
	for (const file of files.toSorted()) {
		const profile = JSON.parse(await readFile(join(folder, file), "utf8")) as Profile;
		const lines = ({ where, share }: Share) => `${(share * 100).toFixed(1).padStart(5)} %  ${where}`;
		const packages = byPackage(profile).map(lines);
		const functions = byFunction(profile).map(lines);
		const title = file.replace(".cpuprofile", "").split(sep).join(", ");
		sections.push(
			`**${title}**, by package (including its time in Node):\n\n\`\`\`\n${packages.join("\n")}\n\`\`\`\n`,
			`by function (self time):\n\n\`\`\`\n${functions.join("\n")}\n\`\`\`\n`,
		);
	}
	return sections.join("\n");
}

/** Returns the self time by function. */
export function byFunction(profile: Profile): Share[] {
	return shares(profile, (path) => nameOf(path[0]?.callFrame as ProfileNode["callFrame"]));
}

/**
 * Returns the self time by npm package, or by folder of the program itself. Time in Node's own functions counts for
 * their caller.
 */
export function byPackage(profile: Profile): Share[] {
	return shares(profile, (path) => {
		const first = path[0]?.callFrame.functionName ?? "";
		const own = path.find(({ callFrame: { url } }) => url !== "" && !url.startsWith("node:"));
		return first === "(garbage collector)" ? first : own ? packageOf(own.callFrame.url) : "Node itself";
	});
}

/** @param name Returns the name of a sample by its stack, the running function first. */
function shares({ nodes, samples, timeDeltas }: Profile, name: (path: ProfileNode[]) => string): Share[] {
	const byId = new Map(nodes.map((node) => [node.id, node]));
	const parents = new Map(nodes.flatMap((node) => (node.children ?? []).map((child) => [child, node])));
	const names = new Map<number, string | undefined>();
	for (const node of nodes) {
		const path: ProfileNode[] = [];
		for (let one: ProfileNode | undefined = byId.get(node.id); one; one = parents.get(one.id)) {
			path.push(one);
		}
		const isWork = !NOT_WORK.has(node.callFrame.functionName) && !path.some(isProfiler);
		names.set(node.id, isWork ? name(path) : undefined);
	}
	const times = new Map<string, number>();
	let all = 0;
	for (const [index, id] of samples.entries()) {
		const where = names.get(id);
		if (where !== undefined) {
			const delta = Math.max(0, timeDeltas[index] ?? 0);
			times.set(where, (times.get(where) ?? 0) + delta);
			all += delta;
		}
	}
	return [...times]
		.map(([where, time]) => ({ where, share: time / all }))
		.toSorted((one, other) => other.share - one.share)
		.slice(0, LINES);
}

function isProfiler({ callFrame: { url } }: ProfileNode): boolean {
	return url === "node:inspector" || url.endsWith("/bench/profiler.mjs");
}

function packageOf(url: string): string {
	const path = url.startsWith("file:") ? fileURLToPath(url) : url;
	const npm = /^.*\/node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1];
	const own = OWN_FOLDER.exec(path)?.[1];
	return npm ?? own ?? path.split("/").slice(-3, -1).join("/");
}

function foldersOfRepository(): string[] {
	return readdirSync(resolve(import.meta.dirname, "../.."), { withFileTypes: true })
		.filter((entry) => entry.isDirectory() && /^\w+$/.test(entry.name) && entry.name !== "node_modules")
		.map(({ name }) => name);
}

function nameOf({ functionName, url, lineNumber }: ProfileNode["callFrame"]): string {
	const name = functionName || "(anonymous)";
	if (url === "") {
		return name;
	}
	const path = url.startsWith("file:") ? fileURLToPath(url) : url;
	return `${name}  ${path
		.replace(/^.*\/node_modules\//, "")
		.split("/")
		.slice(-3)
		.join("/")}:${lineNumber + 1}`;
}
