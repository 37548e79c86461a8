import { execFile } from "node:child_process";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { folderProblem, prepareFolder } from "./folder.ts";
import { writeWhole } from "./json-file.ts";
import { takeLock } from "./lock.ts";
import { endLeftovers } from "./processes.ts";
import { debianPackages, findProgram, isAtLeast } from "./programs.ts";
import { reason, StartError } from "./start-error.ts";
import { type Server, supervise } from "./supervise.ts";

const execute = promisify(execFile);

/** Packages that the pages of Debian's Prometheus need. */
const PAGES = [
	...["libjs-bootstrap4", "libjs-d3", "libjs-eonasdan-bootstrap-datetimepicker", "libjs-jquery"],
	...["libjs-jquery-hotkeys", "libjs-moment", "libjs-moment-timezone", "libjs-mustache", "libjs-popper.js"],
	...["libjs-rickshaw", "fonts-glyphicons-halflings"],
];

/** Programs by the names that Prometheus gives them: their names on Debian, and the packages that have them. */
const PROGRAMS = {
	prometheus: { names: ["prometheus"], inDebian: ["prometheus", ...PAGES] },
	promtool: { names: ["promtool"], inDebian: ["prometheus", ...PAGES] },
	alertmanager: {
		...{ names: ["alertmanager", "prometheus-alertmanager"], inDebian: ["prometheus-alertmanager"] },
	},
};

/** A program of Prometheus, with the command that starts it. */
export interface PrometheusProgram {
	command: [string, ...string[]];
	/** Such as "the PATH". */
	from: string;
	/** Why the program lacks its files in /usr/share, such as its pages; undefined if it has them. */
	lacks?: string;
}

/**
 * Finds a program of Prometheus on the PATH, or unpacks Debian's into `<directory>/bin`.
 *
 * @throws StartError of one line if it cannot be had.
 */
export async function findPrometheus(
	directory: string,
	program: keyof typeof PROGRAMS,
): Promise<PrometheusProgram> {
	const { names, inDebian } = PROGRAMS[program];
	for (const name of names) {
		const found = await findProgram(
			name,
			directory,
			(version) => program !== "prometheus" || isAtLeast(version, 2, 40),
		);
		if (found) {
			return { command: [found.path], from: found.from };
		}
	}
	try {
		const from = await debianPackages(directory, inDebian);
		const path = join(from, "usr/bin", names.at(-1) as string);
		const launcher = showing(join(from, "usr/share"));
		try {
			const [file, ...args] = [...launcher, "true"] as [string, ...string[]];
			await execute(file, args, { timeout: 10_000 });
			return { command: [...launcher, path], from };
		} catch (error) {
			return { command: [path], from, lacks: reason(error) };
		}
	} catch (error) {
		throw new StartError(
			`there is no ${program} here and apt-get cannot bring it (${reason(error)}): install it, such as by \`apt-get install ${inDebian[0]}\` or \`brew install prometheus\``,
		);
	}
}

/**
 * Returns the command that runs a program with another /usr/share, visible only to it: the paths of Debian's pages and templates are
 * compiled in.
 */
function showing(share: string): [string, ...string[]] {
	const script = 'mount --bind "$0" /usr/share && exec "$@"';
	return ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script, share];
}

/**
 * Starts a Prometheus with its data in `<directory>/prometheus`, and restarts it when it exits. One at a time can run there.
 *
 * @param configuration Text of its configuration file.
 * @throws StartError
 */
export async function startPrometheus(
	directory: string,
	configuration: string,
	say: (line: string) => void,
): Promise<{ url: string; program: PrometheusProgram; stop(): Promise<void> }> {
	const folder = await prepareFolder(directory);
	const program = await findPrometheus(folder, "prometheus");
	const lock = await takeLock(
		join(folder, "prometheus.lock"),
		(pid) => `the Prometheus of ${folder} already runs (pid ${pid}): use it, or stop it first`,
	);
	try {
		const running = await supervise(
			serverOf(folder, program, configuration),
			undefined,
			say,
			async () => undefined,
		);
		return {
			url: `http://127.0.0.1:${running.port}`,
			program,
			stop: async () => {
				await running.stop();
				lock.release();
			},
		};
	} catch (error) {
		lock.release();
		throw error;
	}
}

function serverOf(folder: string, program: PrometheusProgram, configuration: string): Server {
	const data = join(folder, "prometheus");
	const file = join(data, "prometheus.yml");
	return {
		name: "Prometheus",
		logFile: join(folder, "logs/prometheus.log"),
		stopSignal: "SIGTERM",
		portTaken: /address already in use/i,
		prepare: async () => {
			try {
				await mkdir(data, { recursive: true, mode: 0o700 });
			} catch (error) {
				throw folderProblem(data, error);
			}
			await endLeftovers(data, "prometheus", undefined, "SIGTERM", 5_000);
		},
		command: async (port) => {
			await writeWhole(file, configuration);
			const [first, ...before] = program.command;
			return {
				file: first,
				args: [
					...before,
					`--config.file=${file}`,
					`--storage.tsdb.path=${join(data, "data")}`,
					`--web.listen-address=127.0.0.1:${port}`,
					"--enable-feature=exemplar-storage",
				],
				cwd: data,
			};
		},
		check: async (port) => {
			const { ok } = await fetch(`http://127.0.0.1:${port}/-/ready`, { signal: AbortSignal.timeout(2000) });
			if (!ok) {
				throw new Error("not ready");
			}
		},
	};
}
