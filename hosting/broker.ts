import { createServer } from "node:net";
import { hostname } from "node:os";
import { type Middleware, ServiceBroker } from "moleculer";
import { settings } from "../config/settings.ts";
import { deliverHeldSignals, StartError } from "../infra/backing-services.ts";
import { commandMetadata } from "../middlewares/shared-settings.ts";
import { brokerOptions } from "../moleculer.config.ts";
import { natsOf } from "../nats/client.ts";
import { offerLogLevels } from "../nats/log-levels.ts";
import { BrokerLogger } from "../observability/logger.ts";
import { onDisconnect } from "../processes/child.ts";
import { onClosedOutput } from "./closed-output.ts";
import { fail } from "./fatal-error.ts";

/** Returns the id of a node that hosts no service, such as the REPL. In containers, all processes may have the same pid. */
export function operatorNode(kind: string): string {
	return `${kind}-${hostname()}-${process.pid}`;
}

/** Creates a broker; with a `nodeID` that of a command. If `quiet`, it only logs warnings and errors, to stderr. */
export function createBroker(
	options: { nodeID?: string; middlewares?: Middleware[]; quiet?: boolean } = {},
): ServiceBroker {
	const base = brokerOptions();
	const level = settings.variables.LOG_LEVEL ?? (options.quiet ? "warn" : "info");
	const broker = new ServiceBroker({
		...base,
		...(options.nodeID ? { nodeID: options.nodeID, metadata: commandMetadata() } : {}),
		logger: new BrokerLogger(level, options.quiet ? "command" : "process") as never,
		middlewares: [...(options.middlewares ?? []), ...(base.middlewares ?? [])],
	});
	broker.fatal = (message) => fail(new Error(message));
	// A command keeps its own level.
	if (!options.nodeID) {
		offerLogLevels(broker);
	}
	return broker;
}

/**
 * Checks that the gateway will be able to listen, before anything is started.
 *
 * @throws StartError that names the address and the remedy.
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
 * Publishes the services of this process to the other nodes, before it reports that it is ready: Moleculer itself does
 * so a second after the last change.
 */
export async function announce(broker: ServiceBroker): Promise<void> {
	await broker.registry.discoverer.sendLocalNodeInfo();
	await natsOf(broker)?.flush();
}

/** Drains the gateway of this node, if it hosts one. The first step of a shutdown. */
export async function drain(broker: ServiceBroker): Promise<void> {
	await (broker.getLocalService("api") as { drain?(): Promise<void> } | undefined)?.drain?.();
}

/**
 * Runs `stop` once, at the first SIGINT, SIGTERM or SIGHUP, then exits; later signals are ignored. The death of the
 * process that supervises this one has the same effect, and, except in production, a closed output: `npm start | head
 * -1` ends. In production a service outlives the reader of its log.
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
	deliverHeldSignals();
	onDisconnect(end);
	process.channel?.unref();
	if (!settings.isProduction) {
		onClosedOutput(end);
	}
}

/** Waits for a promise, for at most `patience_ms`. */
export async function within(patience_ms: number, work: Promise<unknown>): Promise<void> {
	let timer: NodeJS.Timeout | undefined;
	const patience = new Promise((resolve) => {
		timer = setTimeout(resolve, patience_ms);
	});
	await Promise.race([work, patience]).finally(() => clearTimeout(timer));
}
