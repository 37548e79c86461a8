import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { freePort, until } from "../../tools/shop-process.ts";

const MODULE = "github.com/VictoriaMetrics/VictoriaLogs/app/victoria-logs@v1.52.1";
/** Folder for the program, which takes minutes to build. */
const FOLDER = resolve(import.meta.dirname, "../../node_modules/.cache/victoria-logs");

/** A log store with its HTTP API. */
export interface LogStore {
	/** Stores lines, and waits until they can be found. */
	insert(lines: readonly object[]): Promise<void>;
	/** Returns the lines that a query of LogsQL finds. */
	find(query: string): Promise<Record<string, string>[]>;
	stop(): Promise<void>;
}

/** Returns the program of VictoriaLogs: that on the PATH, else built by Go; or why it cannot be had. */
export function victoriaLogs(): { program: string } | { why: string } {
	if (spawnSync("victoria-logs", ["-version"]).status === 0) {
		return { program: "victoria-logs" };
	}
	const program = join(FOLDER, "victoria-logs");
	if (existsSync(program)) {
		return { program };
	}
	if (spawnSync("go", ["version"]).status !== 0) {
		return { why: "there is neither victoria-logs nor Go, which builds it" };
	}
	// biome-ignore lint/style/noProcessEnv: Go's own settings.
	const build = spawnSync("go", ["install", MODULE], { env: { ...process.env, GOBIN: FOLDER } });
	const error = build.stderr?.toString().trim().split("\n").at(-1);
	return build.status === 0 ? { program } : { why: `Go could not build ${MODULE}: ${error}` };
}

/** Starts a log store whose data are in this folder. */
export async function startLogStore(program: string, folder: string): Promise<LogStore> {
	const port = await freePort();
	const address = `http://127.0.0.1:${port}`;
	const child = spawn(
		program,
		[`-httpListenAddr=127.0.0.1:${port}`, `-storageDataPath=${join(folder, "logs-data")}`],
		{ stdio: "ignore", cwd: folder },
	);
	const ended = once(child, "exit");
	await until(
		"the log store",
		async () => (await fetch(`${address}/health`).catch(() => undefined))?.ok === true,
	);
	const find = async (query: string) => {
		const response = await fetch(`${address}/select/logsql/query`, {
			method: "POST",
			body: new URLSearchParams({ query }),
		});
		const text = await response.text();
		return text
			.split("\n")
			.filter(Boolean)
			.map((line) => JSON.parse(line));
	};
	return {
		find,
		async insert(lines) {
			const fields = "_time_field=time&_msg_field=msg&_stream_fields=node,service";
			const response = await fetch(`${address}/insert/jsonline?${fields}`, {
				method: "POST",
				headers: { "content-type": "application/stream+json" },
				body: lines.map((line) => JSON.stringify(line)).join("\n"),
			});
			if (!response.ok) {
				throw new Error(`the log store refused the lines: ${await response.text()}`);
			}
			await until("the lines in the log store", async () => (await find("*")).length === lines.length);
		},
		async stop() {
			child.kill("SIGTERM");
			await ended;
		},
	};
}
