import { mkdir } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { folderProblem } from "./folder.ts";
import type { Identity } from "./pid-lock.mjs";
import { endLeftovers } from "./processes.ts";
import { StartError } from "./start-error.ts";
import type { Server } from "./supervise.ts";
import type { Tool } from "./tools.ts";

/** As much of driver 3.7, which has no types, as is used here. */
interface MongoDriver {
	MongoClient: new (
		url: string,
		options: object,
	) => {
		connect(): Promise<unknown>;
		db(name: string): { command(command: object): Promise<Record<string, unknown>> };
		close(force: boolean): Promise<void>;
	};
}

/** The URL of a MongoDB server of our own. */
export function mongoUrl(port: number): string {
	return `mongodb://127.0.0.1:${port}`;
}

/**
 * The mongod of this machine, its data in `<directory>/mongo`.
 * @param recorded the server of an earlier run, if parts.json names one
 */
export function ownMongod(directory: string, mongod: Tool, recorded?: Identity) {
	const data = join(directory, "mongo");
	const server: Server = {
		name: "MongoDB",
		log_file: join(directory, "logs/mongo.log"),
		stop_signal: "SIGTERM",
		port_taken: /Address already in use/i,
		prepare: async () => {
			try {
				await mkdir(data, { recursive: true, mode: 0o700 });
			} catch (error) {
				throw folderProblem(data, error);
			}
			await endLeftovers(data, "mongod", recorded, "SIGTERM", 10_000);
		},
		command: async (port) => ({
			file: mongod.path,
			args: ["--dbpath", data, "--port", String(port), "--bind_ip", "127.0.0.1", "--nounixsocket"],
			cwd: data,
		}),
		check: async (port, pid) => {
			const status = await pingMongo(mongoUrl(port), 2_000, { serverStatus: 1 });
			// It asks for no password: only its pid tells it from another program's mongod on a port we lost.
			if (Number(status.pid) !== pid) throw new Error("another mongod has the port");
		},
	};
	return { server, took: `mongod ${mongod.version} from ${mongod.from}`, where: data };
}

/** Connects, runs one command on the admin database and answers its result; gives up after `patience_ms`. */
export async function pingMongo(
	url: string,
	patience_ms: number,
	command: Record<string, unknown> = { ping: 1 },
): Promise<Record<string, unknown>> {
	// Not loaded before it is needed, which with NeDB is never.
	const { MongoClient } = createRequire(import.meta.url)("mongodb") as MongoDriver;
	const client = new MongoClient(url, {
		useUnifiedTopology: true,
		serverSelectionTimeoutMS: patience_ms,
		connectTimeoutMS: patience_ms,
		socketTimeoutMS: patience_ms,
	});
	// Some errors of the driver leave connect() hanging: the deadline is our own.
	const late = new AbortController();
	try {
		return await Promise.race([
			client.connect().then(() => client.db("admin").command(command)),
			new Promise<never>((_, reject) => {
				const timer = setTimeout(() => reject(new StartError("no answer")), patience_ms + 500);
				late.signal.addEventListener("abort", () => clearTimeout(timer));
			}),
		]);
	} finally {
		late.abort();
		await client.close(true).catch(() => {});
	}
}
