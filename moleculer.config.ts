import { hostname } from "node:os";
import type { BrokerOptions, Middleware } from "moleculer";
import { type Authenticator, usernamePasswordAuthenticator } from "nats";
import { channels } from "./middlewares/channels.ts";
import { contractMiddleware } from "./middlewares/contracts.ts";
import { databaseErrorMiddleware } from "./middlewares/database-errors.ts";
import { deduplicationMiddleware } from "./middlewares/deduplication.ts";
import { earlierCallerMiddleware } from "./middlewares/earlier-callers.ts";
import { idempotencyMiddleware } from "./middlewares/idempotency.ts";
import { failureDetectionMiddleware } from "./middlewares/load-balancing.ts";
import { logContextMiddleware } from "./middlewares/log-context.ts";
import { breakerMetrics, remoteCallMetrics, servedCallMetrics } from "./middlewares/metrics.ts";
import { permissionMiddleware } from "./middlewares/permissions.ts";
import {
	breakerMiddleware,
	bulkheadMiddleware,
	resilience,
	retryMiddleware,
} from "./middlewares/resilience.ts";
import { responseCacheMiddleware } from "./middlewares/response-cache.ts";
import { nodeMetadata, sharedSettingsMiddleware } from "./middlewares/shared-settings.ts";
import { failedTraces, remoteCallTraces, servedCallTraces } from "./middlewares/tracing.ts";
import "./nats/sockets.ts";
import { settings } from "./config/settings.ts";

/** Returns the options of the broker, which are the same for every node of the shop. */
export function brokerOptions(changes: Partial<BrokerOptions> = {}): BrokerOptions {
	const nats = natsConnection(settings.natsUrl);
	return {
		namespace: settings.namespace,
		metadata: nodeMetadata(),
		nodeID: `${hostname()}-${process.pid}`,
		logger: { type: "Pino", options: { level: settings.logLevel } },
		transporter: { type: "NATS", options: { ...nats } },
		// A stopping node leaves the registry first, then finishes its calls in flight.
		tracking: { enabled: true, shutdownTimeout: settings.shutdownSeconds * 800 },
		// Interval in ms at which a starting process checks for the services it depends on.
		dependencyInterval: 50,
		...resilience,
		validator: false,
		// Moleculer's own metrics take a multiple of the time: see observability/.
		metrics: false,
		tracing: false,
		skipProcessEventRegistration: true,
		internalMiddlewares: false,
		middlewares: [
			idempotencyMiddleware(),
			contractMiddleware,
			earlierCallerMiddleware(),
			databaseErrorMiddleware,
			permissionMiddleware(),
			responseCacheMiddleware(),
			"ActionHook",
			bulkheadMiddleware,
			servedCallMetrics,
			// Around the metrics, whose buckets name the trace.
			servedCallTraces,
			"ContextTracker",
			// Inside the circuit breaker, which must see timeouts.
			"Timeout",
			"CircuitBreaker",
			breakerMiddleware,
			breakerMetrics(),
			// Outside the circuit breaker, so that each attempt is counted.
			failureDetectionMiddleware(),
			retryMiddleware,
			remoteCallMetrics,
			remoteCallTraces,
			"ErrorHandler",
			logContextMiddleware,
			sharedSettingsMiddleware,
			deduplicationMiddleware(),
			failedTraces(),
			channels(nats),
		] as Middleware[],
		// Moleculer (0.15.2) does not cancel this debounced function, whose one-second timer keeps a stopped process alive.
		stopped: (broker) => (broker.localServiceChanged as { cancel?(): void }).cancel?.(),
		...changes,
	};
}

/**
 * Returns the options of the NATS client. Moleculer and the channels adapter both ignore a password in the address, so
 * the credentials are passed separately. A connection that a firewall has dropped stays silent; it is closed after two
 * unanswered pings.
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
		// A stack trace for each request is useful only for debugging.
		noAsyncTraces: true,
	};
}

/** Returns the authenticator as a function, so that printing the broker's options does not print the password. */
function login({ username, password }: URL): Authenticator {
	return usernamePasswordAuthenticator(decodeURIComponent(username), decodeURIComponent(password));
}
