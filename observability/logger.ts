import { format } from "node:util";
import { Loggers } from "moleculer";
import { type DestinationStream, type Logger, type LoggerOptions, pino } from "pino";
import { settings } from "../config/settings.ts";
import { logFields } from "./log-context.ts";
import { pretty } from "./pretty.ts";
import { redact } from "./redaction.ts";

/** Level from which a command writes to stderr. */
const WARN = 40;

/** Bindings of Moleculer's loggers: of a service, or of a part of the broker. */
interface Bindings {
	nodeID?: string;
	ns?: string;
	mod?: string;
	svc?: string;
}

/** Levels that differ from the usual one, by service. */
const changed = new Map<string, string>();
const loggers = new Map<string, Set<Logger>>();
let usual = settings.logLevel;

/** Returns the options of all loggers: each line says what it belongs to, and none has secrets or personal data. */
export function logOptions(): LoggerOptions {
	return {
		base: null,
		mixin: logFields,
		hooks: {
			logMethod(args, method) {
				method.apply(this, complete(args) as typeof args);
			},
			streamWrite: redact,
		},
	};
}

/**
 * Returns the arguments of a line for pino, which leaves out what follows a text without a place for it. Objects become fields, where
 * their secrets are known by their names.
 */
function complete(args: unknown[]): unknown[] {
	const [text, ...others] = args;
	if (typeof text !== "string" || others.length === 0) {
		return args;
	}
	if (others.every((one) => typeof one !== "object" || one === null)) {
		return [format(...args)];
	}
	const [first] = others;
	return [first instanceof Error ? { err: first } : { details: others.length === 1 ? first : others }, text];
}

/** Returns where lines go: as they are, or readable; those of a command that are a warning or worse to stderr. */
function destination(kind: "process" | "command"): DestinationStream | undefined {
	if (kind === "process" && settings.logFormat === "json") {
		return undefined;
	}
	return {
		write(line) {
			const isError = kind === "command" && Number(/"level":(\d+)/.exec(line)?.[1]) >= WARN;
			const stream = isError ? process.stderr : process.stdout;
			stream.write(pretty(line, stream));
		},
	};
}

/** Logger of a broker by pino, whose levels can be changed for each service while it runs. */
export class BrokerLogger extends Loggers.Base<object> {
	#root: Logger;

	/**
	 * @param level Least severe level that is logged.
	 * @param kind A process of the shop, or a command beside it.
	 */
	constructor(level: string, kind: "process" | "command") {
		super({});
		usual = level;
		const to = destination(kind);
		this.#root = to ? pino(logOptions(), to) : pino(logOptions());
	}

	override getLogHandler({ nodeID, ns, mod = "", svc }: Bindings = {}) {
		const service = svc ?? mod.toLowerCase();
		const level = changed.get(service) ?? usual;
		const logger = this.#root.child({ node: nodeID, namespace: ns, service }, { level });
		loggers.set(service, (loggers.get(service) ?? new Set()).add(logger));
		return ((type: "info", args: [string]) => logger[type](...args)) as never;
	}
}

/** Changes the level of a service in this process; of all services without a name. */
export function setLogLevel(level: string, service?: string): void {
	if (service === undefined) {
		usual = level;
		changed.clear();
	} else {
		changed.set(service, level);
	}
	for (const [name, all] of loggers) {
		for (const logger of all) {
			logger.level = changed.get(name) ?? usual;
		}
	}
}

/** Returns the usual level of this process, and the services with another one. */
export function logLevels(): { usual: string; changed: Record<string, string> } {
	return { usual, changed: Object.fromEntries([...changed].filter(([, level]) => level !== usual)) };
}
