import type { Middleware, Service } from "moleculer";
import { problem } from "../contracts/problems.ts";

/**
 * Tells callers that a service is away while its database is: 503 and try again, not 500. What a database cannot keep or
 * compare is the caller's mistake: however often it comes, the action stays on for the others.
 */
export const databaseErrorMiddleware: Middleware = {
	name: "StoreFailures",
	localAction(next, action) {
		return async function tellStoreFailure(this: Service, ctx) {
			try {
				return await next.call(this, ctx);
			} catch (error) {
				if (isDatabaseUnavailable(error)) {
					ctx.broker.logger.warn(`${action.name}: the database is away: ${(error as Error).message}`);
					throw problem("UNAVAILABLE", { service: action.name?.split(".").at(-2) });
				}
				const state = dataException(error);
				if (state) {
					// Not its message, which quotes the value.
					ctx.broker.logger.error(`${action.name} let a value through that PostgreSQL refuses: ${state}`);
					const message = "holds a value that cannot be kept";
					throw problem("VALIDATION_FAILED", { errors: [{ path: "", message }] });
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
	/^(Sequelize(Connection|HostNotFound|HostNotReachable)\w*Error|SequelizeConnection\w*|Mongo(ServerSelection|Network|NetworkTimeout|Timeout)Error|NotWrittenError)$/;
const DRIVER_MESSAGES =
	/^(Connection terminated|timeout exceeded when trying to connect|Client has encountered a connection error|Topology is closed)/;
/**
 * PostgreSQL's classes 08 (connection), 40 (rolled back in a conflict with others, however often it was tried), 53 (resources)
 * and 57P (operator intervention: shutdown, restart).
 */
const SQL_STATES = /^(08|40|53|57P)/;

/** The SQLSTATE of an error of PostgreSQL's class 22, data exception. */
function dataException(error: unknown): string | undefined {
	const { code, parent } = (error ?? {}) as Record<string, unknown>;
	if (typeof code === "string" && /^22[0-9A-Z]{3}$/.test(code)) {
		return code;
	}
	return parent === undefined ? undefined : dataException(parent);
}

/** Whether a driver says that it could not reach its server, or lost it. */
function isDatabaseUnavailable(error: unknown): boolean {
	const { code, name, message, parent, cause } = (error ?? {}) as Record<string, unknown>;
	return (
		(typeof code === "string" && (SOCKET_ERRORS.has(code) || (code.length === 5 && SQL_STATES.test(code)))) ||
		(typeof name === "string" && DRIVER_ERRORS.test(name)) ||
		(typeof message === "string" && DRIVER_MESSAGES.test(message)) ||
		(parent !== undefined && isDatabaseUnavailable(parent)) ||
		(cause !== undefined && isDatabaseUnavailable(cause))
	);
}
