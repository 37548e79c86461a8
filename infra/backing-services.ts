import { join } from "node:path";
import { settings } from "../config/settings.ts";
import { externalService, externalServices } from "./external-services.ts";
import { prepareFolder } from "./folder.ts";
import { holdSignals } from "./interruption.ts";
import { type Lock, takeLock } from "./lock.ts";
import { ownMongod } from "./mongo.ts";
import { mongoUrl } from "./mongo-ping.ts";
import { ownMongoStandIn } from "./mongo-stand-in.ts";
import { natsUrl, ownNats } from "./nats.ts";
import { embeddedPostgres, postgresUrl } from "./postgres.ts";
import { findProgram } from "./programs.ts";
import { readSecrets, type Secrets, secretVariables } from "./secrets.ts";
import {
	type BackingServiceName,
	type FoundService,
	type FoundServices,
	readServices,
	type ServicesFile,
	together,
} from "./services-file.ts";
import { StartError } from "./start-error.ts";
import { type Server, type Supervised, supervise } from "./supervise.ts";

export { deliverHeldSignals } from "./interruption.ts";
export { canJoin, joinRunningServices } from "./join.ts";
export type { BackingService, FoundServices } from "./services-file.ts";
export { StartError } from "./start-error.ts";

/** The backing services of a shop whose servers this process started. */
export interface RunningServices extends FoundServices {
	/** Stops the servers that Toko started, within 3.5 s, and releases the lock of the folder. */
	stop(): Promise<void>;
}

/**
 * Finds or starts PostgreSQL, NATS and the store of products. Each is the one that the settings name, otherwise a
 * program on this machine, otherwise one that Toko installs. Returns the variables that the settings lack: POSTGRES_URL,
 * NATS_URL, MONGO_URL (none for NeDB), TOKO_SECRET, PAYMENT_WEBHOOK_SECRET. Servers that an earlier run of this folder
 * left running are stopped first; new ones start on the same ports. Signals are deferred until the caller has installed
 * its handlers and calls `deliverHeldSignals`.
 *
 * @param print Receives lines for the operator, also later, when a server exits and is restarted.
 * @param hosted Services of this process.
 * @param sharesProducts True if several processes will host products, which a NeDB file does not allow.
 * @throws StartError with one line that names cause and remedy.
 */
export async function startBackingServices(
	directory: string,
	print: (line: string) => void,
	hosted: string[] = [],
	sharesProducts = false,
): Promise<RunningServices> {
	if (settings.isProduction) {
		return { ...(await externalServices(hosted, print)), stop: async () => {} };
	}
	const folder = await prepareFolder(directory);
	const lock = await takeLock(
		join(folder, "toko.lock"),
		(pid) =>
			`a shop already runs in ${folder} (pid ${pid}): stop it, or start another one with TOKO_DIR=<another folder>`,
	);
	const running: Supervised[] = [];
	const signals = holdSignals(4_000);
	try {
		const secrets = await readSecrets(folder, print);
		const file = await readServices(folder);
		const results = await Promise.allSettled([
			postgres(folder, secrets, file, print, running),
			nats(folder, secrets, file, print, running),
			products(folder, file, print, running, sharesProducts),
		]);
		for (const result of results) {
			if (result.status === "rejected") {
				throw result.reason;
			}
		}
		const found = results.map((result) => (result as PromiseFulfilledResult<FoundService>).value);
		const own = secretVariables(secrets);
		const services = together(found, own);
		await file.announce(services.backingServices, own);
		// Last: a later signal is for the handlers of the caller, who calls `deliverHeldSignals`.
		const signal = signals.received();
		if (signal !== undefined) {
			await file.withdraw();
			throw new StartError(`stopped by ${signal} while starting`);
		}
		return { ...services, stop: () => stop(running, file, lock) };
	} catch (error) {
		await Promise.all(running.map((server) => server.stop()));
		lock.release();
		signals.release();
		throw error;
	}
}

async function stop(running: Supervised[], file: ServicesFile, lock: Lock): Promise<void> {
	try {
		await file.withdraw();
	} finally {
		await Promise.all(running.map((server) => server.stop()));
		lock.release();
	}
}

async function postgres(
	folder: string,
	secrets: Secrets,
	file: ServicesFile,
	print: Print,
	running: Supervised[],
): Promise<FoundService> {
	if (settings.variables.POSTGRES_URL) {
		return externalService("PostgreSQL", "POSTGRES_URL");
	}
	const own = await embeddedPostgres(folder, secrets, file.earlier("PostgreSQL"));
	const port = await start("PostgreSQL", own.server, file, print, running);
	return {
		service: { name: "PostgreSQL", took: own.took, where: own.where },
		variables: { POSTGRES_URL: postgresUrl(port, secrets) },
	};
}

async function nats(
	folder: string,
	secrets: Secrets,
	file: ServicesFile,
	print: Print,
	running: Supervised[],
): Promise<FoundService> {
	if (settings.variables.NATS_URL) {
		return externalService("NATS", "NATS_URL");
	}
	const own = await ownNats(folder, secrets, print, file.earlier("NATS"));
	const port = await start("NATS", own.server, file, print, running);
	return {
		service: { name: "NATS", took: own.took, where: own.where },
		variables: { NATS_URL: natsUrl(port, secrets) },
	};
}

async function products(
	folder: string,
	file: ServicesFile,
	print: Print,
	running: Supervised[],
	isShared: boolean,
): Promise<FoundService> {
	if (settings.variables.MONGO_URL) {
		return externalService("Products", "MONGO_URL");
	}
	const mongod = await findProgram("mongod", folder);
	if (mongod === null && !isShared) {
		const service = { name: "Products", took: "NeDB file", where: join(folder, "products.db") } as const;
		return { service, variables: {} };
	}
	const own =
		mongod === null
			? await ownMongoStandIn(folder, print)
			: ownMongod(folder, mongod, file.earlier("Products"));
	const port = await start("Products", own.server, file, print, running);
	return {
		service: { name: "Products", took: own.took, where: own.where },
		variables: { MONGO_URL: mongoUrl(port) },
	};
}

type Print = (line: string) => void;

async function start(
	name: BackingServiceName,
	server: Server,
	file: ServicesFile,
	print: Print,
	running: Supervised[],
): Promise<number> {
	const supervised = await supervise(server, file.port(name), print, (pid, port) =>
		file.record(name, pid, port),
	);
	running.push(supervised);
	return supervised.port;
}
