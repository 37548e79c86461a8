import { readdir, readFile } from "node:fs/promises";
import { join, sep } from "node:path";
import { fileURLToPath } from "node:url";

/** The parts of a V8 CPU profile that are read here. */
interface Profile {
	nodes: { id: number; callFrame: { functionName: string; url: string; lineNumber: number } }[];
	samples: number[];
	timeDeltas: number[];
}

const LINES = 12;
const IDLE = new Set(["(idle)", "(program)", "(root)"]);

/** The functions that took the most time themselves, for every profile below a folder, in Markdown. */
export async function topLines(folder: string): Promise<string> {
	const files = (await readdir(folder, { recursive: true })).filter((name) => name.endsWith(".cpuprofile"));
	const sections: string[] = [];
	for (const file of files.toSorted()) {
		const profile = JSON.parse(await readFile(join(folder, file), "utf8")) as Profile;
		const lines = top(profile).map(
			({ where, share }) => `${(share * 100).toFixed(1).padStart(5)} %  ${where}`,
		);
		sections.push(`${file.split(sep).join(", ")}\n\n\`\`\`\n${lines.join("\n")}\n\`\`\`\n`);
	}
	return sections.join("\n");
}

/** Self time by function, as a share of the time in which the process was not idle. */
export function top({ nodes, samples, timeDeltas }: Profile): { where: string; share: number }[] {
	const names = new Map(nodes.map(({ id, callFrame }) => [id, nameOf(callFrame)]));
	const times = new Map<string, number>();
	let all = 0;
	for (const [index, id] of samples.entries()) {
		const name = names.get(id) ?? "";
		if (!IDLE.has(name)) {
			const delta = Math.max(0, timeDeltas[index] ?? 0);
			times.set(name, (times.get(name) ?? 0) + delta);
			all += delta;
		}
	}
	return [...times]
		.map(([where, time]) => ({ where, share: time / all }))
		.toSorted((one, other) => other.share - one.share)
		.slice(0, LINES);
}

function nameOf({ functionName, url, lineNumber }: Profile["nodes"][number]["callFrame"]): string {
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
