import type { Middleware, ServiceBroker } from "moleculer";
import { settings } from "../config/settings.ts";
import { type BackingService, StartError } from "../infra/backing-services.ts";
import { ownProductsFile } from "../infra/lock.ts";
import { serveMetrics } from "../observability/server.ts";
import { announceMetrics } from "../observability/targets.ts";
import { startTracing, stopTracing } from "../observability/tracing.ts";
import { announce, checkPort, createBroker, drain, stopOnSignal, within } from "./broker.ts";
import { fail } from "./fatal-error.ts";
import { HealthServer } from "./health-server.ts";
import { checkAdmin, ensureAdmin, ensureCatalogue, type NewAdmin } from "./seed.ts";
import { addService } from "./services.ts";

/** Minimum time for the services to stop. */
const SERVICES_STOP_MIN_MS = 500;

/** Minimum time for the last export of traces, which are about the end of the process. */
const TRACES_STOP_MIN_MS = 250;

/** Start of a process of the shop. */
export interface Launch {
	/** Services that it hosts, in the order in which they start. */
	names: string[];
	/** Finds the backing services; `stop` ends those that the process has started, if it has. */
	servers: { find(): Promise<BackingServices>; stop_ms: number };
	/** Leaves products out if another process owns their file; otherwise the start fails. */
	toleratesOwner: boolean;
	quiet?: boolean;
	middlewares?: Middleware[];
	print(line: string): void;
	/** Called when the process is up. */
	report(launched: Launched): Promise<void>;
}

interface BackingServices {
	backingServices: BackingService[];
	stop?(): Promise<void>;
}

/** A process of the shop that is up. */
export interface Launched {
	broker: ServiceBroker;
	names: string[];
	backingServices: BackingService[];
	/** The admin that it has made, as the first process of users. */
	admin: NewAdmin | undefined;
	/** Address of the gateway, if it hosts one. */
	gateway: string | undefined;
	/** Address of its health endpoints. */
	health: string;
	isStopped(): boolean;
}

/**
 * Starts a process of the shop: servers, services, sample data, the gateway last. See `stopOnSignal` for its end.
 *
 * @throws StartError, and errors of services; servers that the process has started are stopped before.
 */
export async function launch(how: Launch): Promise<Launched> {
	const { servers, print } = how;
	checkAdmin();
	if (how.names.includes("api")) {
		await checkPort();
	}
	const { backingServices, stop: stopServers } = await servers.find();
	// Before anything that is traced is created.
	await startTracing(nameOf(how.names), (line) => broker.logger.warn(line));
	const broker = createBroker({ quiet: how.quiet ?? false, middlewares: how.middlewares ?? [] });
	let health: HealthServer | undefined;
	let stopped: Promise<void> | undefined;
	const stopBroker = broker.stop.bind(broker);
	const stop = () => {
		health?.stopping();
		const patience_ms = Math.max(SERVICES_STOP_MIN_MS, settings.shutdownSeconds * 1000 - servers.stop_ms);
		const deadline = performance.now() + patience_ms;
		stopped ??= within(patience_ms, drain(broker).then(stopBroker))
			.finally(() => stopTracing(Math.max(TRACES_STOP_MIN_MS, deadline - performance.now())))
			.finally(() => stopServers?.());
		return stopped;
	};
	// Whatever stops the broker, such as the REPL's `quit`, also stops the servers.
	broker.stop = stop;
	if (stopServers) {
		broker.fatal = (message) => void stop().finally(() => fail(new Error(message)));
	}
	stopOnSignal(stop);
	try {
		const names = await withProductsFile(how);
		health = new HealthServer(broker, names);
		const healthAddress = await health.listen();
		await announceMetrics(broker, "node", await serveMetrics(print));
		const admin = await startServices(broker, names, print);
		const gateway = names.includes("api") ? await openGateway(broker) : undefined;
		await announce(broker);
		health.started();
		const isStopped = () => stopped !== undefined;
		const launched = { broker, names, backingServices, admin, gateway, health: healthAddress, isStopped };
		await how.report(launched);
		return launched;
	} catch (error) {
		if (stopServers) {
			await stop();
		}
		throw error;
	}
}

/** Returns the name of a process in traces. */
function nameOf(names: string[]): string {
	return names.length === 1 ? (names[0] as string) : "toko";
}

/** Starts the services except the gateway, and seeds a new shop. Returns the admin that it has created. */
async function startServices(
	broker: ServiceBroker,
	names: string[],
	print: Launch["print"],
): Promise<NewAdmin | undefined> {
	for (const name of names.filter((name) => name !== "api")) {
		await addService(broker, name);
	}
	await broker.start();
	const admin = names.includes("users") ? await ensureAdmin(broker) : undefined;
	if (names.includes("products") && !settings.isProduction) {
		await ensureCatalogue(broker, print);
	}
	return admin;
}

async function openGateway(broker: ServiceBroker): Promise<string> {
	await addService(broker, "api");
	const { gatewayAddress } = await import("../services/api/api.service.ts");
	return gatewayAddress(broker.getLocalService("api"));
}

/** Takes ownership of the products' file, if products is hosted and has one. Returns the services to host. */
async function withProductsFile({ names, toleratesOwner, print }: Launch): Promise<string[]> {
	if (!names.includes("products") || settings.mongoUrl) {
		return names;
	}
	try {
		await ownProductsFile(settings.directory);
		return names;
	} catch (error) {
		if (!toleratesOwner || !(error instanceof StartError)) {
			throw error;
		}
		print(`without products: ${error.message}`);
		return names.filter((name) => name !== "products");
	}
}
