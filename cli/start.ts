import "./startup/startup-checks.ts";

import { flushCompileCache } from "node:module";
import type { ServiceBroker } from "moleculer";
import { settings } from "../config/settings.ts";
import { announce, checkPort, createBroker, drain, stopOnSignal, within } from "../hosting/broker.ts";
import { fail } from "../hosting/fatal-error.ts";
import { HealthServer } from "../hosting/health-server.ts";
import { checkAdmin, ensureAdmin, ensureCatalogue, type NewAdmin } from "../hosting/seed.ts";
import { startServers } from "../hosting/servers.ts";
import { addService, namedServices } from "../hosting/services.ts";
import type { BackingService, RunningServices } from "../infra/backing-services.ts";
import { ownProductsFile } from "../infra/lock.ts";
import { Operator } from "./repl/operator.ts";
import { openRepl } from "./repl/repl.ts";

/** Share of `SHUTDOWN_SECONDS` reserved for stopping the backing services. */
const PARTS_STOP_MS = 2500;
const SERVICES_STOP_MIN_MS = 500;
const READY_CHECK_MS = 100;

/** `npm start`: starts the backing services, the services in `SERVICES` and, on a terminal, the REPL. */
async function start(): Promise<void> {
	checkAdmin();
	const names = namedServices(settings.services, "SERVICES");
	const hasTerminal = Boolean(process.stdin.isTTY && process.stdout.isTTY);
	const say = (line: string) => console.log(line);
	if (names.includes("api")) {
		await checkPort();
	}
	const parts = await startServers(say, names);
	const shop = createShop(parts, names, hasTerminal);
	try {
		const healthAddress = await shop.health.listen();
		await run(names, shop, healthAddress, say);
	} catch (error) {
		await shop.stop();
		throw error;
	}
	if (hasTerminal && !shop.isStopped()) {
		await openRepl(shop.broker, shop.operator);
	}
}

interface Shop {
	broker: ServiceBroker;
	operator: Operator;
	health: HealthServer;
	parts: BackingService[];
	stop(): Promise<void>;
	isStopped(): boolean;
}

/**
 * Creates a broker that also stops the backing services, whatever stops it: a signal, the REPL's `quit` or a failure.
 */
function createShop(parts: RunningServices, names: string[], hasTerminal: boolean): Shop {
	const operator = new Operator();
	const broker = createBroker({ quiet: hasTerminal, middlewares: [operator.middleware] });
	operator.attach(broker);
	const health = new HealthServer(broker, names);
	const stopBroker = broker.stop.bind(broker);
	let stopped: Promise<void> | undefined;
	const stop = () => {
		health.stopping();
		const patience_ms = Math.max(SERVICES_STOP_MIN_MS, settings.shutdownSeconds * 1000 - PARTS_STOP_MS);
		stopped ??= within(patience_ms, drain(broker).then(stopBroker)).finally(() => parts.stop());
		return stopped;
	};
	broker.stop = stop;
	broker.fatal = (message) => {
		stop().finally(() => fail(new Error(message)));
	};
	stopOnSignal(stop);
	return { broker, operator, health, parts: parts.parts, stop, isStopped: () => stopped !== undefined };
}

async function run(
	names: string[],
	shop: Shop,
	healthAddress: string,
	say: (line: string) => void,
): Promise<void> {
	const { broker, health } = shop;
	if (names.includes("products") && !settings.mongoUrl) {
		await ownProductsFile(settings.directory);
	}
	for (const name of names.filter((name) => name !== "api")) {
		await addService(broker, name);
	}
	await broker.start();
	const admin = names.includes("users") ? await ensureAdmin(broker) : undefined;
	if (names.includes("products") && !settings.isProduction) {
		await ensureCatalogue(broker, say);
	}
	if (names.includes("api")) {
		await addService(broker, "api");
		await broker.waitForServices("api");
	}
	await announce(broker);
	health.started();
	say(`health at ${healthAddress}/health/ready`);
	await reportReady(names, shop, admin, say);
}

async function reportReady(
	names: string[],
	shop: Shop,
	admin: NewAdmin | undefined,
	say: (line: string) => void,
) {
	const { broker, parts } = shop;
	const { table } = await import("./tables/table.ts");
	if (!names.includes("api")) {
		say(table({ parts, admin }));
		say(`ready ${names.join(", ")} (no gateway here)`);
		return;
	}
	const { gatewayAddress } = await import("../services/api/api.service.ts");
	const { readiness } = await import("../services/api/health.ts");
	const address = gatewayAddress(broker.getLocalService("api"));
	say(table({ address, parts, admin }));
	for (let told = false; !shop.isStopped(); await new Promise((wake) => setTimeout(wake, READY_CHECK_MS))) {
		const { status, services } = await readiness(broker);
		if (status === "ready") {
			say(`ready ${address}`);
			return;
		}
		if (!told) {
			const missing = Object.entries(services).filter(([, state]) => state !== "healthy");
			say(
				`waiting for ${missing.map(([name]) => name).join(", ")}: bring them with \`npm run node -- NAME…\``,
			);
			told = true;
		}
	}
}

await start().catch(fail);
// For the next process, even if this one is killed.
flushCompileCache();
