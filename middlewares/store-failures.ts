import { Errors, type Middleware, type Service } from "moleculer";
import { problem } from "../contracts/problems.ts";

/**
 * What the circuit breaker counts: the callee timed out, was lost or failed by itself (5xx, or an error without a
 * status, such as a driver's). A client's mistake (4xx) says nothing about the callee's health.
 */
export function countsAsFailure(error: Error): boolean {
	if (error instanceof Errors.RequestTimeoutError || error instanceof Errors.RequestRejectedError) {
		return true;
	}
	const code = (error as { code?: unknown }).code;
	return typeof code !== "number" || code >= 500;
}

/** Whether the same call may do better at once: not where the caller's time is already up. */
export function isWorthARetry(error: Error): boolean {
	return (
		Boolean((error as { retryable?: boolean }).retryable) && !(error instanceof Errors.RequestTimeoutError)
	);
}

/** Tells callers that a service is away while its database is: 503 and try again, not 500. */
export const storeFailureMiddleware: Middleware = {
	name: "StoreFailures",
	localAction(next, action) {
		return async function tellStoreFailure(this: Service, ctx) {
			try {
				return await next.call(this, ctx);
			} catch (error) {
				if (isStoreAway(error)) {
					ctx.broker.logger.warn(`${action.name}: the database is away: ${(error as Error).message}`);
					throw problem("UNAVAILABLE", { service: action.name?.split(".").at(-2) });
				}
				throw error;
			}
		};
	},
};

const SOCKET_ERRORS = new Set([
	"ECONNREFUSED",
	"ECONNRESET",
	"EPIPE",
	"ETIMEDOUT",
	"ENOTFOUND",
	"EHOSTUNREACH",
]);
const DRIVER_ERRORS =
	/^(Sequelize(Connection|HostNotFound|HostNotReachable)\w*Error|SequelizeConnection\w*|Mongo(ServerSelection|Network|NetworkTimeout|Timeout)Error)$/;
const DRIVER_MESSAGES =
	/^(Connection terminated|timeout exceeded when trying to connect|Client has encountered a connection error|Topology is closed)/;
/** PostgreSQL's classes 08 (connection), 53 (resources) and 57P (operator intervention: shutdown, restart). */
const SQL_STATES = /^(08|53|57P)/;

/** Whether a driver says that it could not reach its server, or lost it. */
export function isStoreAway(error: unknown): boolean {
	const { code, name, message, parent, cause } = (error ?? {}) as Record<string, unknown>;
	return (
		(typeof code === "string" && (SOCKET_ERRORS.has(code) || (code.length === 5 && SQL_STATES.test(code)))) ||
		(typeof name === "string" && DRIVER_ERRORS.test(name)) ||
		(typeof message === "string" && DRIVER_MESSAGES.test(message)) ||
		(parent !== undefined && isStoreAway(parent)) ||
		(cause !== undefined && isStoreAway(cause))
	);
}
