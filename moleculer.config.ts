import { hostname } from "node:os";
import type { BrokerOptions, Middleware } from "moleculer";
import { type Authenticator, usernamePasswordAuthenticator } from "nats";
import { callMetricsMiddleware } from "./middlewares/call-metrics.ts";
import { channels } from "./middlewares/channels.ts";
import { contractMiddleware } from "./middlewares/contracts.ts";
import { databaseErrorMiddleware } from "./middlewares/database-errors.ts";
import { deduplicationMiddleware } from "./middlewares/deduplication.ts";
import { idempotencyMiddleware } from "./middlewares/idempotency.ts";
import { failureDetectionMiddleware } from "./middlewares/load-balancing.ts";
import { permissionMiddleware } from "./middlewares/permissions.ts";
import {
	breakerMiddleware,
	bulkheadMiddleware,
	resilience,
	retryMiddleware,
} from "./middlewares/resilience.ts";
import { responseCacheMiddleware } from "./middlewares/response-cache.ts";
import { nodeMetadata, sharedSettingsMiddleware } from "./middlewares/shared-settings.ts";
import "./nats/sockets.ts";
import { settings } from "./config/settings.ts";

/** The broker, the same for every node of the shop. */
export function brokerOptions(changes: Partial<BrokerOptions> = {}): BrokerOptions {
	const nats = natsConnection(settings.natsUrl);
	return {
		namespace: settings.namespace,
		metadata: nodeMetadata(),
		nodeID: `${hostname()}-${process.pid}`,
		logger: { type: "Pino", options: { level: settings.logLevel } },
		transporter: { type: "NATS", options: { ...nats } },
		// A stopping node leaves the registry first, then finishes what it has.
		tracking: { enabled: true, shutdownTimeout: settings.shutdownSeconds * 800 },
		// Whoever waits for a service looks so often, in ms: each start of a process does.
		dependencyInterval: 50,
		...resilience,
		validator: false,
		// The registry alone, for what Toko counts itself: `dcall NODE $node.metrics`. How long calls take is not measured.
		metrics: { enabled: true, collectProcessMetrics: false },
		tracing: false,
		skipProcessEventRegistration: true,
		internalMiddlewares: false,
		middlewares: [
			idempotencyMiddleware(),
			contractMiddleware,
			databaseErrorMiddleware,
			permissionMiddleware(),
			callMetricsMiddleware,
			responseCacheMiddleware(),
			"ActionHook",
			bulkheadMiddleware,
			"ContextTracker",
			// Inside the circuit breaker, so that it sees timeouts.
			"Timeout",
			"CircuitBreaker",
			breakerMiddleware,
			// Outside it, so that each try is counted.
			failureDetectionMiddleware(),
			retryMiddleware,
			"ErrorHandler",
			sharedSettingsMiddleware,
			deduplicationMiddleware(),
			channels(nats),
		] as Middleware[],
		// Moleculer (0.15.2) leaves the timer of this debounced function, a second, which keeps a stopped process alive.
		stopped: (broker) => (broker.localServiceChanged as { cancel?(): void }).cancel?.(),
		...changes,
	};
}

/**
 * Options of the NATS client. Both users of it drop a password that is part of the address. A connection that was
 * forgotten on the way, as by a firewall, is silent for ever: it is given up when two questions in a row got no answer.
 */
export function natsConnection(address: string) {
	const urls = address.split(",").map((one) => new URL(one));
	return {
		servers: urls.map((url) => url.host),
		...(urls[0]?.username ? { authenticator: login(urls[0]) } : {}),
		...(urls[0]?.protocol === "tls:" ? { tls: {} } : {}),
		maxReconnectAttempts: -1,
		reconnectTimeWait: 250,
		timeout: 5000,
		pingInterval: 5000,
		maxPingOut: 2,
		// A stack for each request, of use only while one debugs.
		noAsyncTraces: true,
	};
}

/** A function, so that whoever prints the broker's options does not print the password. */
function login({ username, password }: URL): Authenticator {
	return usernamePasswordAuthenticator(decodeURIComponent(username), decodeURIComponent(password));
}
