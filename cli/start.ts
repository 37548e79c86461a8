import "./startup/startup-checks.ts";

import { flushCompileCache } from "node:module";
import { setTimeout as wait } from "node:timers/promises";
import { settings } from "../config/settings.ts";
import { fail } from "../hosting/fatal-error.ts";
import { type Launched, launch } from "../hosting/launch.ts";
import { startServers } from "../hosting/servers.ts";
import { namedServices } from "../hosting/services.ts";
import { Operator } from "./repl/operator.ts";
import { openRepl } from "./repl/repl.ts";

/** Share of `SHUTDOWN_SECONDS` reserved for stopping the backing services. */
const SERVERS_STOP_MS = 2500;
const READY_CHECK_MS = 100;

const print = (line: string) => console.log(line);

/** `npm start`: starts the backing services, the services in `SERVICES` and, on a terminal, the REPL. */
async function start(): Promise<void> {
	const names = namedServices(settings.services, "SERVICES");
	const hasTerminal = Boolean(process.stdin.isTTY && process.stdout.isTTY);
	const operator = new Operator();
	const shop = await launch({
		names,
		servers: { find: () => startServers(print, names), stop_ms: SERVERS_STOP_MS },
		toleratesOwner: false,
		quiet: hasTerminal,
		middlewares: [operator.middleware],
		print,
		report: reportReady,
	});
	if (hasTerminal && !shop.isStopped()) {
		await openRepl(shop.broker, operator);
	}
}

async function reportReady(shop: Launched): Promise<void> {
	const { broker, names, backingServices, admin, gateway: address } = shop;
	print(`health at ${shop.health}/health/ready`);
	const { table } = await import("./tables/table.ts");
	if (!address) {
		print(table({ backingServices, admin }));
		print(`ready ${names.join(", ")} (no gateway here)`);
		return;
	}
	const { readiness } = await import("../services/api/health.ts");
	print(table({ address, backingServices, admin }));
	for (let isReported = false; !shop.isStopped(); await wait(READY_CHECK_MS)) {
		const { status, services } = await readiness(broker);
		if (status === "ready") {
			print(`ready ${address}`);
			return;
		}
		if (!isReported) {
			const missing = Object.entries(services).filter(([, state]) => state !== "healthy");
			print(
				`waiting for ${missing.map(([name]) => name).join(", ")}: start them with \`npm run node -- NAME…\``,
			);
			isReported = true;
		}
	}
}

await start().catch(fail);
// For the next process, even if this one is killed.
flushCompileCache();
