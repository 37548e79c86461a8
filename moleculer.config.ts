import { hostname } from "node:os";
import type { BrokerOptions, Middleware } from "moleculer";
import { type Authenticator, usernamePasswordAuthenticator } from "nats";
import { channels } from "./middlewares/channels.ts";
import { contractMiddleware } from "./middlewares/contracts.ts";
import { permissionMiddleware } from "./middlewares/permissions.ts";
import { countsAsFailure, isWorthARetry, storeFailureMiddleware } from "./middlewares/resilience.ts";
import { settings } from "./mixins/settings.ts";

/** The broker, the same for every node of the shop. */
export function brokerOptions(changes: Partial<BrokerOptions> = {}): BrokerOptions {
	const nats = natsConnection(settings.natsUrl);
	return {
		namespace: settings.namespace,
		nodeID: `${hostname()}-${process.pid}`,
		logger: { type: "Pino", options: { level: settings.logLevel } },
		transporter: { type: "NATS", options: { ...nats } },
		// A stopping node leaves the registry first, then finishes what it has.
		tracking: { enabled: true, shutdownTimeout: 4000 },
		requestTimeout: 10_000,
		// A killed node says nothing: the others notice within this and what it owed is refused, long before deadlines.
		heartbeatInterval: 1,
		heartbeatTimeout: 3,
		// Contracts turn it on where an action is idempotent.
		retryPolicy: { enabled: false, retries: 3, delay: 50, maxDelay: 1000, factor: 2, check: isWorthARetry },
		circuitBreaker: {
			enabled: true,
			threshold: 0.5,
			minRequestCount: 20,
			windowTime: 10,
			halfOpenTime: 2000,
			check: countsAsFailure,
		},
		registry: { strategy: "RoundRobin", preferLocal: false, stopDelay: 100 },
		validator: false,
		// The registry alone, for what Toko counts itself: `dcall NODE $node.metrics`. Calls are not measured.
		metrics: { enabled: true, collectProcessMetrics: false },
		tracing: false,
		skipProcessEventRegistration: true,
		internalMiddlewares: false,
		middlewares: [
			contractMiddleware,
			storeFailureMiddleware,
			permissionMiddleware(),
			"ActionHook",
			"Bulkhead",
			"Cacher",
			"ContextTracker",
			// Inside the circuit breaker, so that it sees timeouts.
			"Timeout",
			"CircuitBreaker",
			"Retry",
			"Fallback",
			"ErrorHandler",
			channels(nats),
		] as Middleware[],
		...changes,
	};
}

/** Options of the NATS client. Both users of it drop a password that is part of the address. */
export function natsConnection(address: string) {
	const urls = address.split(",").map((one) => new URL(one));
	return {
		servers: urls.map((url) => url.host),
		...(urls[0]?.username ? { authenticator: login(urls[0]) } : {}),
		...(urls[0]?.protocol === "tls:" ? { tls: {} } : {}),
		maxReconnectAttempts: -1,
		reconnectTimeWait: 250,
	};
}

/** A function, so that whoever prints the broker's options does not print the password. */
function login({ username, password }: URL): Authenticator {
	return usernamePasswordAuthenticator(decodeURIComponent(username), decodeURIComponent(password));
}
