import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { folderProblem } from "./folder.ts";
import { mongoUrl, pingMongo } from "./mongo-ping.ts";
import type { Identity } from "./pid-lock.mjs";
import { endLeftovers } from "./processes.ts";
import type { Program } from "./programs.ts";
import type { Server } from "./supervise.ts";

export { startMongoStandIn } from "./mongo-stand-in.ts";

/**
 * Returns the mongod of this machine, with its data in `<directory>/mongo`.
 *
 * @param recorded The server of an earlier run, if parts.json names one.
 */
export function ownMongod(directory: string, mongod: Program, recorded?: Identity) {
	const data = join(directory, "mongo");
	const server: Server = {
		name: "MongoDB",
		logFile: join(directory, "logs/mongo.log"),
		stopSignal: "SIGTERM",
		portTaken: /Address already in use/i,
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
			// It asks for no password, so only the pid distinguishes it from the mongod of another program that took the
			// port.
			if (Number(status.pid) !== pid) {
				throw new Error("another mongod has the port");
			}
		},
	};
	return { server, took: `mongod ${mongod.version} from ${mongod.from}`, where: data };
}
