import "./startup/startup-checks.ts";

import { flushCompileCache } from "node:module";
import { settings } from "../config/settings.ts";
import { announce, checkPort, createBroker, drain, stopOnSignal, within } from "../hosting/broker.ts";
import { fail } from "../hosting/fatal-error.ts";
import { HealthServer } from "../hosting/health-server.ts";
import { checkAdmin, ensureAdmin, ensureCatalogue } from "../hosting/seed.ts";
import { addService, namedServices } from "../hosting/services.ts";
import { joinRunningServices, StartError } from "../infra/backing-services.ts";
import { ownProductsFile } from "../infra/lock.ts";
import { readArguments } from "./arguments.mjs";
import { table } from "./tables/table.ts";

/** How long this waits for a shop that is just starting. */
const PATIENCE_MS = 60_000;
/** What a process needs for its own end, of `SHUTDOWN_SECONDS`. */
const EXIT_MS = 500;

/** `npm run node -- NAME…`: another process of the running shop, with the named services or all but the gateway. */
async function start(): Promise<void> {
	checkAdmin();
	const asked = readArguments("node").positionals.join(" ");
	const given = asked || process.env.SERVICES || "";
	const isNamed =
		namedServices(given, asked ? "" : "SERVICES").length > 0 && given.trim() !== "" && given.trim() !== "all";
	let names = isNamed ? namedServices(given) : namedServices("").filter((name) => name !== "api");
	const say = (line: string) => console.log(line);
	const { parts } = await joinRunningServices(settings.directory, PATIENCE_MS, say, names);
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
	// Who started this one may have died: nobody would look after it any more.
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

/** The NeDB file has one owner: somebody who asked for products is told, somebody who asked for all gets the rest. */
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
// For the next process, also should this one be killed.
flushCompileCache();
