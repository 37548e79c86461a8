import "./startup/startup-checks.ts";

import { flushCompileCache } from "node:module";
import { settings } from "../config/settings.ts";
import { fail } from "../hosting/fatal-error.ts";
import { type Launched, launch } from "../hosting/launch.ts";
import { joinServers } from "../hosting/servers.ts";
import { namedServices } from "../hosting/services.ts";
import { readArguments } from "./arguments.mjs";
import { table } from "./tables/table.ts";

/** Time to wait for a shop that is still starting. */
const PATIENCE_MS = 60_000;
/** Share of `SHUTDOWN_SECONDS` reserved for the exit of the process. */
const EXIT_MS = 500;

const print = (line: string) => console.log(line);

/**
 * `npm run node -- NAME…`: joins the running shop with another process that hosts the named services, or all but the
 * gateway.
 */
async function start(): Promise<void> {
	const { names, isNamed } = namedOrAllButApi();
	const find = async () => ({ backingServices: await joinServers(print, names, PATIENCE_MS) });
	await launch({ names, servers: { find, stop_ms: EXIT_MS }, toleratesOwner: !isNamed, print, report });
}

async function report({ broker, names, backingServices, admin, gateway, health }: Launched): Promise<void> {
	if (admin) {
		print(table({ backingServices: [], admin }));
	}
	if (gateway) {
		print(`gateway at ${gateway}`);
	}
	print(`health at ${health}/health/ready`);
	const place = backingServices.find(({ name }) => name === "NATS")?.where ?? "the shop";
	print(`joined ${place} as ${broker.nodeID}: ${names.join(", ")}`);
}

/** Returns the services of the arguments, else of `SERVICES`, else all but the gateway. */
function namedOrAllButApi(): { names: string[]; isNamed: boolean } {
	const asked = readArguments("node").positionals.join(" ");
	const list = asked || settings.services;
	const names = namedServices(list, asked ? "" : "SERVICES");
	const isNamed = list.trim() !== "" && list.trim() !== "all";
	return { names: isNamed ? names : names.filter((name) => name !== "api"), isNamed };
}

await start().catch(fail);
// For the next process, even if this one is killed.
flushCompileCache();
