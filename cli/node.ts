import "./startup/startup-checks.ts";

import { flushCompileCache } from "node:module";
import { settings } from "../config/settings.ts";
import { announce, checkPort, createBroker, drain, stopOnSignal, within } from "../hosting/broker.ts";
import { fail } from "../hosting/fatal-error.ts";
import { HealthServer } from "../hosting/health-server.ts";
import { checkAdmin, ensureAdmin, ensureCatalogue } from "../hosting/seed.ts";
import { joinServers } from "../hosting/servers.ts";
import { addService, namedServices } from "../hosting/services.ts";
import { StartError } from "../infra/backing-services.ts";
import { ownProductsFile } from "../infra/lock.ts";
import { readArguments } from "./arguments.mjs";
import { table } from "./tables/table.ts";

/** Time to wait for a shop that is still starting. */
const PATIENCE_MS = 60_000;
/** Share of `SHUTDOWN_SECONDS` reserved for the exit of the process. */
const EXIT_MS = 500;

/**
 * `npm run node -- NAME…`: joins the running shop with another process that hosts the named services, or all but the
 * gateway.
 */
async function start(): Promise<void> {
	checkAdmin();
	const asked = readArguments("node").positionals.join(" ");
	const given = asked || settings.services;
	const isNamed =
		namedServices(given, asked ? "" : "SERVICES").length > 0 && given.trim() !== "" && given.trim() !== "all";
	let names = isNamed ? namedServices(given) : namedServices("").filter((name) => name !== "api");
	const say = (line: string) => console.log(line);
	const parts = await joinServers(say, names, PATIENCE_MS);
	if (names.includes("products") && !settings.mongoUrl) {
		names = await withProductsFile(names, isNamed, say);
	}
	if (names.includes("api")) {
		await checkPort();
	}

	const broker = createBroker();
	const health = new HealthServer(broker, names);
	stopOnSignal(() => {
		health.stopping();
		return within(
			settings.shutdownSeconds * 1000 - EXIT_MS,
			drain(broker).then(() => broker.stop()),
		);
	});
	// Stops when the process manager has died, since nothing would supervise this process any more.
	process.once("disconnect", () => process.kill(process.pid, "SIGTERM"));
	process.channel?.unref();
	const healthAddress = await health.listen();
	for (const name of names) {
		await addService(broker, name);
	}
	await broker.start();
	const admin = names.includes("users") ? await ensureAdmin(broker) : undefined;
	if (names.includes("products") && !settings.isProduction) {
		await ensureCatalogue(broker, say);
	}
	if (admin) {
		say(table({ parts: [], admin }));
	}
	if (names.includes("api")) {
		const { gatewayAddress } = await import("../services/api/api.service.ts");
		say(`gateway at ${gatewayAddress(broker.getLocalService("api"))}`);
	}
	await announce(broker);
	health.started();
	say(`health at ${healthAddress}/health/ready`);
	say(
		`joined ${parts.find(({ name }) => name === "NATS")?.where ?? "the shop"} as ${broker.nodeID}: ${names.join(", ")}`,
	);
}

/**
 * Takes ownership of the NeDB file. If another process owns it, products is left out, or is an error if it was asked
 * for by name.
 */
async function withProductsFile(
	names: string[],
	isNamed: boolean,
	say: (line: string) => void,
): Promise<string[]> {
	try {
		await ownProductsFile(settings.directory);
		return names;
	} catch (error) {
		if (isNamed || !(error instanceof StartError)) {
			throw error;
		}
		say(`without products: ${error.message}`);
		return names.filter((name) => name !== "products");
	}
}

await start().catch(fail);
// For the next process, even if this one is killed.
flushCompileCache();
