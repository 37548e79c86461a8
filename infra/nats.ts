import { createHash } from "node:crypto";
import { mkdir, statfs } from "node:fs/promises";
import { join } from "node:path";
import { connect } from "nats";
import "../nats/sockets.ts";
import { folderProblem } from "./folder.ts";
import { writeWhole } from "./json-file.ts";
import type { Identity } from "./pid-lock.mjs";
import { endLeftovers } from "./processes.ts";
import { findNatsServer, isAtLeast } from "./programs.ts";
import type { Secrets } from "./secrets.ts";
import type { Server } from "./supervise.ts";

/** Free space in bytes at which a server that ran out of space can continue. */
const SPACE_NEEDED = 4 * 1024 * 1024;

/** Returns the URL of the NATS server that Toko started. */
export function natsUrl(port: number, secrets: Secrets): string {
	return `nats://toko:${secrets.nats_password}@127.0.0.1:${port}`;
}

/**
 * Returns a nats-server with JetStream, with its streams in `<directory>/nats`.
 *
 * @param recorded The server of an earlier run, if parts.json names one.
 */
export async function ownNats(
	directory: string,
	secrets: Secrets,
	print: (line: string) => void,
	recorded?: Identity,
) {
	const program = await findNatsServer(directory, print);
	const data = join(directory, "nats");
	const config = join(data, "nats-server.conf");
	const server: Server = {
		name: "NATS",
		logFile: join(directory, "logs/nats.log"),
		stopSignal: "SIGTERM",
		portTaken: /address already in use/i,
		// After a failed write, a stream accepts no further messages (2.11 and later), or JetStream is disabled altogether.
		stuck: /critical write error|JetStream out of .* DISABLED/i,
		canStore: async () => {
			const { bavail, bsize } = await statfs(data);
			return bavail * bsize > SPACE_NEEDED;
		},
		prepare: async () => {
			try {
				await mkdir(data, { recursive: true, mode: 0o700 });
			} catch (error) {
				throw folderProblem(data, error);
			}
			await endLeftovers(data, "nats-server", recorded, "SIGTERM", 3_000);
		},
		command: async (port) => {
			await writeWhole(config, configuration(port, data, secrets, program.version));
			return { file: program.path, args: ["-c", config], cwd: data };
		},
		check: (port) => login(port, secrets, nameOf(data)),
	};
	return { server, took: `nats-server ${program.version} from ${program.from}`, where: data };
}

/**
 * Returns the configuration, which is a file because every user of the machine can read arguments. With `sync_interval:
 * always` (2.10 and later), an acknowledged message is on the disk, also after a power failure: 2,900 publishes/s at 50
 * in flight on two cores. The default, which syncs every two minutes, does 23,000.
 */
function configuration(port: number, data: string, secrets: Secrets, version: string): string {
	return `# Written by Toko at every start.
server_name: ${nameOf(data)}
listen: "127.0.0.1:${port}"
max_payload: 8MB
authorization {
	user: toko
	password: "${secrets.nats_password}"
}
jetstream {
	store_dir: ${JSON.stringify(data)}
	max_memory_store: 256MB
	max_file_store: 1TB
	${isAtLeast(version, 2, 10) ? "sync_interval: always" : "# this version cannot sync every write"}
}
`;
}

/**
 * Returns a name that is unique to the folder: the server of a copied folder has the same password and may have this
 * port.
 */
function nameOf(data: string): string {
	return `toko-${createHash("sha256").update(data).digest("hex").slice(0, 12)}`;
}

async function login(port: number, secrets: Secrets, name: string): Promise<void> {
	const connection = await connect({
		servers: `127.0.0.1:${port}`,
		user: "toko",
		pass: secrets.nats_password,
		timeout: 2_000,
		reconnect: false,
	});
	try {
		if (connection.info?.server_name !== name) {
			throw new Error("another server has the port");
		}
		const manager = await connection.jetstreamManager({ timeout: 2_000 });
		await manager.getAccountInfo();
	} finally {
		await connection.close();
	}
}
