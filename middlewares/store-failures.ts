import type { Middleware, Service } from "moleculer";
import { problem } from "../contracts/problems.ts";

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
