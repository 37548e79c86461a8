import { join } from "node:path";
import { settings } from "../config/settings.ts";
import { prepareFolder } from "./folder.ts";
import { externalService, externalServices } from "./given-services.ts";
import { holdSignals } from "./interruption.ts";
import { type Lock, takeLock } from "./lock.ts";
import { ownMongod } from "./mongo.ts";
import { mongoUrl } from "./mongo-ping.ts";
import { ownMongoStandIn } from "./mongo-stand-in.ts";
import { natsUrl, ownNats } from "./nats.ts";
import { embeddedPostgres, postgresUrl } from "./postgres.ts";
import { findProgram } from "./programs.ts";
import { readSecrets, type Secrets, setSecretVariables } from "./secrets.ts";
import {
	type BackingService,
	type BackingServiceName,
	readServices,
	type ServicesFile,
} from "./services-file.ts";
import { StartError } from "./start-error.ts";
import { type Server, type Supervised, supervise } from "./supervise.ts";

export { canJoin, joinRunningServices } from "./join.ts";
export type { BackingService } from "./services-file.ts";
export { StartError } from "./start-error.ts";

/** The backing services of the shop that this process started or joined. */
export interface RunningServices {
	parts: BackingService[];
	/** Stops the servers that Toko started, within 3.5 s, and releases the lock of the folder. */
	stop(): Promise<void>;
}

/**
 * Finds or starts PostgreSQL, NATS and the store of products. Each is the one that the environment names, otherwise a
 * program on this machine, otherwise one that Toko installs. Sets the environment of the services: POSTGRES_URL,
 * NATS_URL, MONGO_URL (unset for NeDB), TOKO_SECRET, PAYMENT_WEBHOOK_SECRET. Servers that an earlier run of this folder
 * left running are stopped first; new ones start on the same ports.
 *
 * @param say Receives lines for the operator, also later, when a server exits and is restarted.
 * @param sharesProducts True if several processes will host products, which a NeDB file does not allow.
 * @throws StartError with one line that names cause and remedy.
 */
export async function startBackingServices(
	directory: string,
	say: (line: string) => void,
	services: string[] = [],
	sharesProducts = false,
): Promise<RunningServices> {
	if (settings.isProduction) return { parts: await externalServices(services, say), stop: async () => {} };
	const folder = await prepareFolder(directory);
	const lock = await takeLock(
		join(folder, "toko.lock"),
		(pid) =>
			`a shop already runs in ${folder} (pid ${pid}): stop it, or start another one with TOKO_DIR=<another folder>`,
	);
	const running: Supervised[] = [];
	const signals = holdSignals(4_000);
	try {
		const secrets = await readSecrets(folder, say);
		const file = await readServices(folder);
		const parts = await Promise.allSettled([
			postgres(folder, secrets, file, say, running),
			nats(folder, secrets, file, say, running),
			products(folder, file, say, running, sharesProducts),
		]);
		for (const part of parts) if (part.status === "rejected") throw part.reason;
		const up = parts.map((part) => (part as PromiseFulfilledResult<BackingService>).value);
		setSecretVariables(secrets);
		await file.announce(up);
		// Last, so that no signal is lost: from here on the caller handles signals.
		const signal = signals.received();
		if (signal !== undefined) {
			await file.withdraw();
			throw new StartError(`stopped by ${signal} while starting`);
		}
		return { parts: up, stop: () => stop(running, file, lock) };
	} catch (error) {
		await Promise.all(running.map((part) => part.stop()));
		lock.release();
		throw error;
	} finally {
		signals.release();
	}
}

async function stop(running: Supervised[], file: ServicesFile, lock: Lock): Promise<void> {
	try {
		await file.withdraw();
	} finally {
		await Promise.all(running.map((part) => part.stop()));
		lock.release();
	}
}

async function postgres(
	folder: string,
	secrets: Secrets,
	file: ServicesFile,
	say: Say,
	running: Supervised[],
): Promise<BackingService> {
	if (process.env.POSTGRES_URL) return externalService("PostgreSQL", "POSTGRES_URL");
	const own = await embeddedPostgres(folder, secrets, file.earlier("PostgreSQL"));
	const port = await start("PostgreSQL", own.server, file, say, running);
	process.env.POSTGRES_URL = postgresUrl(port, secrets);
	return { name: "PostgreSQL", took: own.took, where: own.where };
}

async function nats(
	folder: string,
	secrets: Secrets,
	file: ServicesFile,
	say: Say,
	running: Supervised[],
): Promise<BackingService> {
	if (process.env.NATS_URL) return externalService("NATS", "NATS_URL");
	const own = await ownNats(folder, secrets, say, file.earlier("NATS"));
	const port = await start("NATS", own.server, file, say, running);
	process.env.NATS_URL = natsUrl(port, secrets);
	return { name: "NATS", took: own.took, where: own.where };
}

async function products(
	folder: string,
	file: ServicesFile,
	say: Say,
	running: Supervised[],
	isShared: boolean,
): Promise<BackingService> {
	if (process.env.MONGO_URL) return externalService("Products", "MONGO_URL");
	const mongod = await findProgram("mongod", folder);
	if (mongod === null && !isShared)
		return { name: "Products", took: "NeDB file", where: join(folder, "products.db") };
	const own =
		mongod === null
			? await ownMongoStandIn(folder, say)
			: ownMongod(folder, mongod, file.earlier("Products"));
	const port = await start("Products", own.server, file, say, running);
	process.env.MONGO_URL = mongoUrl(port);
	return { name: "Products", took: own.took, where: own.where };
}

type Say = (line: string) => void;

async function start(
	name: BackingServiceName,
	server: Server,
	file: ServicesFile,
	say: Say,
	running: Supervised[],
): Promise<number> {
	const part = await supervise(server, file.port(name), say, (pid, port) => file.record(name, pid, port));
	running.push(part);
	return part.port;
}
