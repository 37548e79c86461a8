/**
 * `node cli/run.mjs <command> [arguments]`: the entry point of npm's scripts. Validates the arguments, reads .env,
 * installs packages if they are missing or do not match package-lock.json, finds Node 24 and runs cli/<command>.ts with
 * it. Must itself run on Node 20 without packages.
 */
// biome-ignore-all lint/style/noProcessEnv: reads the environment of all commands, without the packages.
import { execFileSync, spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { constants } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { nodeEnvironment } from "../config/node-env.mjs";
import { asksForHelp, checkArguments, checkCheckout, commands, help } from "./arguments.mjs";
import { withEnvFile } from "./env-file.mjs";
import { ensurePackages } from "./packages.mjs";

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** Ends the program with one line and exit code 1. */
function stop(line) {
	console.error(line);
	process.exit(1);
}

function findNode() {
	if (Number(process.versions.node.split(".")[0]) >= 24) {
		return process.execPath;
	}
	const own = join(root, "node_modules/node/bin/node");
	if (existsSync(own)) {
		return own;
	}
	return stop(
		`Toko needs Node 24 and this is ${process.versions.node}: install Node 24, or run \`npm ci\` without ` +
			"--omit=optional and --ignore-scripts, which brings one",
	);
}

function nodeArguments(command, rest) {
	if (command === "test") {
		const jest = join(root, "node_modules/jest/bin/jest.js");
		// With larger young generations, the tests need a twentieth less processor time.
		return ["--experimental-vm-modules", "--no-warnings", "--max-semi-space-size=64", jest, ...rest];
	}
	// DEP0174 is caused by moleculer-db when it opens a file.
	const quiet = ["--disable-warning=DEP0174", "--disable-warning=ExperimentalWarning"];
	// Lines of a file are garbage soon: a large young generation would only take memory.
	const young = command === "import" || command === "export" ? ["--max-semi-space-size=8"] : [];
	return [...quiet, ...young, join(root, "cli", `${command}.ts`), ...rest];
}

/**
 * Tells whether this process is in the foreground of a terminal. Ctrl-C then reaches the child directly and must not be
 * forwarded.
 */
function isForeground() {
	try {
		if (process.platform === "linux") {
			const stat = readFileSync("/proc/self/stat", "latin1");
			const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
			return fields[2] === fields[5];
		}
		const line = execFileSync("ps", ["-o", "pgid=,tpgid=", "-p", String(process.pid)], { encoding: "utf8" });
		const [group, foreground] = line.trim().split(/\s+/);
		return group === foreground;
	} catch {
		return process.stdin.isTTY === true;
	}
}

function run(node, command, rest, environment) {
	const child = spawn(node, nodeArguments(command, rest), {
		cwd: root,
		stdio: "inherit",
		env: {
			INIT_CWD: process.cwd(),
			// Compiled code is cached, which halves the work of the next start.
			NODE_COMPILE_CACHE: join(root, "node_modules/.cache/node"),
			...environment,
		},
	});
	const handlers = new Map();
	for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"]) {
		const handler = () => {
			// The terminal is closed, so it can no longer be asked. A child that is still running a second later did not get
			// the signal.
			if (signal === "SIGHUP") {
				setTimeout(() => child.kill(signal), 1_000);
			} else if (signal === "SIGTERM" || !isForeground()) {
				child.kill(signal);
			}
		};
		handlers.set(signal, handler);
		process.on(signal, handler);
	}
	child.once("error", (error) => stop(`cannot run ${node}: ${error.message}`));
	child.once("exit", (code, signal) => {
		if (signal === null) {
			process.exit(code);
		}
		for (const [name, handler] of handlers) {
			process.removeListener(name, handler);
		}
		process.kill(process.pid, signal);
		// If the signal does not end this process, exit with the code that shells report for it.
		setTimeout(() => process.exit(128 + (constants.signals[signal] ?? 0)), 1_000);
	});
}

const [command, ...rest] = process.argv.slice(2);
if (command !== undefined && asksForHelp([command])) {
	console.log(commands.map(help).join("\n\n"));
	process.exit(0);
}
if (command !== "test" && !commands.includes(command)) {
	const known = [...commands, "test"].sort().join(", ");
	stop(`${command === undefined ? "no command" : `no command ${command}`}: there are ${known}`);
}
try {
	// Jest has a --help of its own.
	if (command !== "test") {
		checkArguments(command, rest);
	}
} catch (error) {
	stop(`toko: ${error.message}`);
}
let environment;
try {
	environment = withEnvFile(join(root, ".env"), process.env);
	await ensurePackages(root, environment, command === "test", nodeEnvironment(environment) === "production");
} catch (error) {
	stop(error.message);
}
try {
	checkCheckout(command);
} catch (error) {
	stop(`toko: ${error.message}`);
}
run(findNode(), command, rest, environment);
