import { createServer } from "node:net";
import { hostname } from "node:os";
import { type Middleware, ServiceBroker } from "moleculer";
import { settings } from "../config/settings.ts";
import { StartError } from "../infra/backing-services.ts";
import { brokerOptions } from "../moleculer.config.ts";
import { natsOf } from "../nats/client.ts";
import { onClosedOutput } from "./closed-output.ts";
import { fail } from "./fatal-error.ts";

/** The name of a node that hosts nothing, such as the REPL. In containers all processes may have the same id. */
export function operatorNode(kind: string): string {
	return `${kind}-${hostname()}-${process.pid}`;
}

/** A terminal gets short lines of what matters; anything else gets JSON lines (pino). */
export function createBroker(
	options: { nodeID?: string; middlewares?: Middleware[]; quiet?: boolean } = {},
): ServiceBroker {
	const base = brokerOptions();
	const level = process.env.LOG_LEVEL || (options.quiet ? "warn" : "info");
	const broker = new ServiceBroker({
		...base,
		...(options.nodeID ? { nodeID: options.nodeID } : {}),
		logger: options.quiet
			? { type: "Console", options: { level, formatter: "short" } }
			: { type: "Pino", options: { level } },
		middlewares: [...(options.middlewares ?? []), ...(base.middlewares ?? [])],
	});
	broker.fatal = (message) => fail(new Error(message));
	return broker;
}

/**
 * Makes sure that the gateway will be able to listen, before anything else is started.
 *
 * @throws StartError that names the address and what to do.
 */
export async function checkPort(): Promise<void> {
	const { host, port } = settings;
	if (port === 0) {
		return;
	}
	await new Promise<void>((resolve, reject) => {
		const probe = createServer();
		probe.once("error", (error: NodeJS.ErrnoException) => {
			const cause =
				error.code === "EADDRINUSE"
					? `port ${port} is in use on ${host}: stop what listens there, or choose another with PORT=`
					: `cannot listen on ${host}:${port} (${error.code}): choose another address with HOST= and PORT=`;
			reject(new StartError(cause));
		});
		probe.listen(port, host, () => probe.close(() => resolve()));
	});
}

/**
 * Tells the others what this process offers, before it says that it is ready: Moleculer does so a second after the last
 * change.
 */
export async function announce(broker: ServiceBroker): Promise<void> {
	await broker.registry.discoverer.sendLocalNodeInfo();
	await natsOf(broker)?.flush();
}

/** Has the node's gateway, if it hosts one, let its clients go: the first thing to do when a process stops. */
export async function drain(broker: ServiceBroker): Promise<void> {
	await (broker.getLocalService("api") as { letGo?(): Promise<void> } | undefined)?.letGo?.();
}

/**
 * Runs `stop` once, at the first SIGINT, SIGTERM or SIGHUP, then exits; later ones change nothing. So does, except in
 * production, a line that nobody reads any more: `npm start | head -1` ends. There a service outlives the reader of its log.
 */
export function stopOnSignal(stop: () => Promise<void>): void {
	let stopping = false;
	const end = () => {
		if (stopping) {
			return;
		}
		stopping = true;
		stop().then(
			() => process.exit(0),
			(error) => fail(error),
		);
	};
	for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
		process.on(signal, end);
	}
	if (!settings.isProduction) {
		onClosedOutput(end);
	}
}

/** Waits for some work, but no longer than `patience_ms`. */
export async function within(patience_ms: number, work: Promise<unknown>): Promise<void> {
	let timer: NodeJS.Timeout | undefined;
	const patience = new Promise((resolve) => {
		timer = setTimeout(resolve, patience_ms);
	});
	await Promise.race([work, patience]).finally(() => clearTimeout(timer));
}
