import "./startup/startup-checks.ts";

import { setTimeout as wait } from "node:timers/promises";
import { createLogUpdate } from "log-update";
import { settings } from "../config/settings.ts";
import { createBroker, operatorNode } from "../hosting/broker.ts";
import { onClosedOutput } from "../hosting/closed-output.ts";
import { fail } from "../hosting/fatal-error.ts";
import { joinServers } from "../hosting/servers.ts";
import { ShopObserver } from "../hosting/shop-status.ts";
import { StartError } from "../infra/backing-services.ts";
import { setLogLevel } from "../observability/logger.ts";
import { readArguments } from "./arguments.mjs";
import { statusText } from "./tables/status-tables.ts";

/** Time within which nodes discover each other. */
const INTRODUCTIONS_MS = 1000;
/** Interval over which rates of processes are measured, and after which a terminal shows new ones. */
const LOOK_EVERY_MS = 1000;
/** Time over which a terminal shows rates of actions. */
const WINDOW_MS = 10_000;

/**
 * `npm run status`: shows the nodes of the running shop, their work and the health of its services: live on a terminal, else once.
 * The exit code is 1 if a service is not ready; on a terminal, when it is interrupted.
 */
async function start(): Promise<void> {
	const { json = false } = readArguments("status").values;
	const isLive = Boolean(process.stdout.isTTY) && !json;
	await joinServers((line) => console.error(line));
	const broker = createBroker({ nodeID: operatorNode("status"), quiet: true });
	broker.fatal = (message) => fail(new StartError(message));
	if (settings.variables.LOG_LEVEL === undefined) {
		// The output lists the services that do not respond.
		setLogLevel("fatal");
	}
	await broker.start();
	await wait(INTRODUCTIONS_MS);
	const observer = new ShopObserver(broker, isLive ? WINDOW_MS : 0);
	const isReady = isLive ? await showLive(observer) : await showOnce(observer, json);
	await broker.stop();
	process.exit(isReady ? 0 : 1);
}

/** Returns true if the shop is ready. */
async function showOnce(observer: ShopObserver, json: boolean): Promise<boolean> {
	await observer.look();
	await wait(LOOK_EVERY_MS);
	const status = await observer.look();
	console.log(json ? JSON.stringify(status, undefined, "\t") : statusText(status));
	return status.is_ready;
}

/** Shows the status until Ctrl-C or a signal. Returns true if the shop was ready at the end. */
async function showLive(observer: ShopObserver): Promise<boolean> {
	const stopped = new AbortController();
	for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
		process.on(signal, () => stopped.abort());
	}
	onClosedOutput(() => stopped.abort());
	const screen = createLogUpdate(process.stdout);
	let isReady = false;
	while (!stopped.signal.aborted) {
		const status = await observer.look();
		isReady = status.is_ready;
		screen(statusText(status, process.stdout.rows));
		await wait(LOOK_EVERY_MS, undefined, stopped).catch(() => undefined);
	}
	screen.done();
	return isReady;
}

await start().catch(fail);
