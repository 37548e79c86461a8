import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { holderOf, tryLock } from "../infra/pid-lock.mjs";

/**
 * Runs `npm ci` if node_modules does not match package-lock.json. A stamp in node_modules records the lockfile that it
 * matches. Of several concurrent processes, one installs and the others wait.
 *
 * @param {string} root The repository.
 * @param {NodeJS.ProcessEnv} environment Of npm.
 * @param {boolean} withDev Whether development packages are required, even under NODE_ENV=production.
 * @param {boolean} isProduction Whether development packages are otherwise omitted.
 * @throws Error with one line for the operator.
 */
export async function ensurePackages(root, environment, withDev, isProduction) {
	const lockPath = join(root, "package-lock.json");
	// The image has its packages and not the list of them.
	if (!existsSync(lockPath) && existsSync(join(root, "node_modules"))) {
		return;
	}
	const lockfile = readFileSync(lockPath);
	const stamp = `${createHash("sha256").update(lockfile).digest("hex")} ${process.platform}-${process.arch}`;
	if (isGood(root, lockfile, stamp, withDev, isProduction)) {
		return;
	}
	const lock = await lockOrWait(root, () => isGood(root, lockfile, stamp, withDev, isProduction));
	if (lock === null) {
		return;
	}
	const free = () => lock.release();
	process.once("exit", free);
	// Ctrl-C reaches npm as well; its exit then ends this process, which releases the lock.
	const ignore = () => {};
	process.on("SIGINT", ignore);
	try {
		const production = isProduction && !withDev;
		const leftOut = production ? " (without those for development)" : "";
		console.error(`installing packages with npm ci${leftOut}, once …`);
		await installPackages(root, environment, withDev);
		writeStamp(root, stamp, !production);
	} finally {
		process.removeListener("SIGINT", ignore);
		process.removeListener("exit", free);
		free();
	}
}

/** Returns the lock, or null once another process has installed the packages. */
async function lockOrWait(root, isDone) {
	// Not in node_modules, which npm ci empties.
	const folder = join(root, ".toko");
	const file = join(folder, "npm-ci.lock");
	for (let isReported = false; ; await wait(200)) {
		let lock;
		try {
			mkdirSync(folder, { recursive: true, mode: process.getuid?.() === 0 ? 0o711 : 0o700 });
			lock = tryLock(file);
		} catch (error) {
			throw new Error(
				`packages are missing and ${folder} cannot be written (${error.code}): run \`npm ci\` as its owner`,
			);
		}
		if (lock === null && !isReported) {
			isReported = true;
			console.error(`waiting for process ${holderOf(file)?.pid ?? "?"}, which installs the packages`);
		}
		if (lock === null) {
			continue;
		}
		if (!isDone()) {
			return lock;
		}
		lock.release();
		return null;
	}
}

function stampFile(root) {
	return join(root, "node_modules/.toko-lock-hash");
}

function isGood(root, lockfile, stamp, withDev, isProduction) {
	const found = readText(stampFile(root));
	if (found === `${stamp} all` || (found === `${stamp} production` && !withDev)) {
		return true;
	}
	// Packages that were installed with npm by hand are not installed again.
	const installed = readText(join(root, "node_modules/.package-lock.json"));
	if (installed === null) {
		return false;
	}
	const kind = compare(JSON.parse(lockfile).packages, parsePackages(installed), root);
	if (kind === "other" || (kind === "production" && withDev)) {
		return false;
	}
	// Outside production, a production-only installation lacks packages, although it has all that production requires.
	if (kind === "production" && !isProduction) {
		return false;
	}
	writeStamp(root, stamp, kind === "all");
	return true;
}

/**
 * Compares the installed packages with the lockfile: "all" if every package is installed in its version, "production"
 * if only development packages are missing, otherwise "other".
 */
function compare(wanted, installed, root) {
	let kind = "all";
	for (const [path, entry] of Object.entries(wanted)) {
		if (path === "") {
			continue;
		}
		const here = installed[path];
		if (here !== undefined && here.version === entry.version && here.integrity === entry.integrity) {
			if (existsSync(join(root, path, "package.json"))) {
				continue;
			}
			return "other";
		}
		if (here !== undefined) {
			return "other";
		}
		// Optional packages are mostly for other platforms; npm omits them from its own list.
		if (entry.optional || entry.devOptional || entry.peer) {
			continue;
		}
		if (!entry.dev) {
			return "other";
		}
		kind = "production";
	}
	return kind;
}

function parsePackages(text) {
	try {
		return JSON.parse(text).packages ?? {};
	} catch {
		return {};
	}
}

function writeStamp(root, stamp, withDev) {
	try {
		writeFileSync(stampFile(root), `${stamp} ${withDev ? "all" : "production"}`);
	} catch {
		// node_modules belongs to another user: it is compared again next time.
	}
}

function readText(file) {
	try {
		return readFileSync(file, "utf8");
	} catch {
		return null;
	}
}

/** Installs the packages. On failure, prints npm's output and throws an error of one line. */
async function installPackages(root, environment, withDev) {
	let result = await npm(root, ["ci"], environment, withDev);
	// npm ci rejects a lockfile that lacks packages for other platforms; npm install uses it and resolves the rest.
	if (/code EUSAGE/.test(result.errors)) {
		result = await npm(root, ["install", "--no-save"], environment, withDev);
	}
	if (result.failure === 0) {
		return;
	}
	const lines = result.errors.trimEnd().split("\n");
	console.error(lines.slice(0, 20).join("\n"));
	throw new Error(`npm ci failed: ${explain(result.failure, result.errors)}`);
}

async function npm(root, command, environment, withDev) {
	const options = [...command, "--no-audit", "--no-fund", "--no-progress", "--loglevel=error"];
	if (withDev) {
		options.push("--include=dev");
	}
	// Under `npm run`, use the npm that runs this process, otherwise the one on the PATH.
	const { npm_execpath: own } = environment;
	const [file, args] = own?.endsWith(".js") ? [process.execPath, [own, ...options]] : ["npm", options];
	const child = spawn(file, args, {
		cwd: root,
		env: npmEnvironment(environment),
		stdio: ["ignore", "ignore", "pipe"],
	});
	const forward = () => child.kill("SIGTERM");
	process.once("SIGTERM", forward);
	let errors = "";
	child.stderr.on("data", (chunk) => (errors += chunk));
	const failure = await new Promise((resolve) => {
		child.once("error", (error) => resolve(error.code));
		child.once("close", (code, signal) => resolve(signal ?? code));
	});
	process.removeListener("SIGTERM", forward);
	return { failure, errors };
}

/** Variables that would make npm install elsewhere or nothing; those that say where packages come from remain. */
const MISLEADING =
	/^npm_config_(global|location|dry_run|package_lock|package_lock_only|install_strategy|workspaces?)$/i;

function npmEnvironment(environment) {
	return Object.fromEntries(Object.entries(environment).filter(([name]) => !MISLEADING.test(name)));
}

function explain(failure, errors) {
	if (failure === "ENOENT") {
		return "there is no npm on the PATH; install it, or start with `npm start`";
	}
	if (typeof failure === "string" || failure === 130) {
		return `it was ended (${failure}); start again`;
	}
	const code = /(?:npm (?:error|ERR!) code )(\w+)/.exec(errors)?.[1] ?? "";
	if (/ENOTFOUND|EAI_AGAIN|ECONN|ETIMEDOUT|ENETUNREACH|ERR_SOCKET|FETCH/.test(code)) {
		return `cannot reach the package registry (${code}); check network, proxy and \`npm config get registry\``;
	}
	if (/EACCES|EPERM|EROFS/.test(code)) {
		return `cannot write node_modules (${code}); start as the owner of this folder`;
	}
	if (/ENOSPC/.test(code)) {
		return "the disk is full; free about 700 MB";
	}
	if (/EUSAGE/.test(code)) {
		return "package.json and package-lock.json disagree; run `npm install`";
	}
	if (/EINTEGRITY/.test(code)) {
		return "a package is not what package-lock.json says; run `npm cache clean --force` and start again";
	}
	return `see above${code === "" ? "" : ` (${code})`}; then start again`;
}
