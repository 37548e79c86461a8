import { createRequire } from "node:module";
import type { Errors } from "moleculer";
import type { ErrorCode } from "nats";
import { DatabaseError } from "pg";
import { PROBLEMS, type ProblemCode, problemCode } from "../contracts/problem-codes.ts";

/**
 * Kind of an error, which decides how each layer treats the failed work:
 *
 * | kind | meaning | calls | circuit breaker | inbox | cached response | gateway |
 * |---|---|---|---|---|---|---|
 * | client | wrong request or wrong time | not retried | ignored | dead letter after retries | dropped | problem, 4xx |
 * | conflict | a concurrent transaction won | transaction retried | counted | retried until done | stale | 503 |
 * | transient | server unavailable or slow, disk full | retried if safe | counted | retried until done | stale | 503/504 |
 * | bug | anything else | not retried | counted | dead letter after retries | stale | 500 |
 *
 * `retryConflicts` (database/conflicts.ts) retries transactions.
 */
export type ErrorKind = "client" | "conflict" | "transient" | "bug";

const require = createRequire(import.meta.url);
let classes: typeof Errors | undefined;

/**
 * Reports whether an error is an instance of this class of Moleculer, as Toko's own errors are. They all have a field `retryable`, and
 * Moleculer is loaded only for an error that has one: the delivery worker, which has no broker, starts in half the time without it.
 */
function isMoleculerError(error: unknown, name: keyof typeof Errors = "MoleculerError"): boolean {
	if ((error as Described | null)?.retryable === undefined) {
		return false;
	}
	classes ??= (require("moleculer") as typeof import("moleculer")).Errors;
	return error instanceof classes[name];
}

/** Returns the kind of an error of Toko, Moleculer, a driver or Node. */
export function kindOf(error: unknown): ErrorKind {
	if (isMoleculerError(error, "MoleculerRetryableError")) {
		return "transient";
	}
	const { code, retryable, parent, cause } = (error ?? {}) as Described;
	if (typeof code === "number" && (isMoleculerError(error) || problemCode(error))) {
		return code < 500 ? "client" : retryable === true ? "transient" : "bug";
	}
	if (isUndone(error)) {
		return "conflict";
	}
	if (dataException(error)) {
		return "client";
	}
	if (isTransientOfDriver((error ?? {}) as Described)) {
		return "transient";
	}
	// Sequelize and the products' file wrap the error of their driver.
	return parent !== undefined ? kindOf(parent) : cause !== undefined ? kindOf(cause) : "bug";
}

/** Returns the code of an error of Toko or Moleculer, or the kind of any other: a label that has few values. */
export function errorTypeOf(error: unknown): string {
	const code = isMoleculerError(error) ? (error as Errors.MoleculerError).type : undefined;
	return problemCode(error) ?? (code || kindOf(error).toUpperCase());
}

/**
 * Reports whether an error disappears without a change of the program or its data, so that the work is retried until
 * done.
 */
export function isTransient(error: unknown): boolean {
	return ["transient", "conflict"].includes(kindOf(error));
}

/** Reports whether PostgreSQL rolled work back because of concurrent work, so that all of it may be retried at once. */
export function isUndone(error: unknown): boolean {
	const { code } = (error ?? {}) as Described;
	// A deadlock, a serialization failure, or a change of the schema since the statement was parsed.
	return code === "40P01" || code === "40001" || isPlanOutdated(error);
}

/** Reports whether a statement has to be parsed again, because a migration has changed its columns. */
export function isPlanOutdated(error: unknown): boolean {
	const { code, message } = (error ?? {}) as Described;
	return code === "0A000" && /cached plan must not change result type/.test(message ?? "");
}

/**
 * Reports whether PostgreSQL itself tells that a statement was rolled back: after repeated conflicts (class 40), or for
 * lack of resources such as disk space (class 53). In the latter case, nothing can be written about it either.
 */
export function wasRolledBack(error: unknown): boolean {
	// 40003: the outcome is unknown.
	return error instanceof DatabaseError && /^(40(?!003)|53)/.test(error.code ?? "");
}

/**
 * Reports whether PostgreSQL has rejected the statement itself, and not because of its connection (08), a shutdown or a
 * startup (57P).
 */
export function isRejection(error: unknown): boolean {
	return error instanceof DatabaseError && !/^(08|57P)/.test(error.code ?? "");
}

/**
 * Returns the SQLSTATE of an error of PostgreSQL's class 22 (data exception), a value that it cannot store or compare.
 */
export function dataException(error: unknown): string | undefined {
	const { code, parent } = (error ?? {}) as Described;
	if (typeof code === "string" && /^22[0-9A-Z]{3}$/.test(code)) {
		return code;
	}
	return parent === undefined ? undefined : dataException(parent);
}

/** Reports whether an error was created for a caller, and not by a driver. */
export function isForCaller(error: unknown): boolean {
	return isMoleculerError(error) || problemCode(error) !== undefined;
}

/**
 * Reports whether the circuit breaker counts an error: the callee timed out, was lost or failed. A mistake of the
 * client says nothing about the callee's health. A service that responds with the reason why it refuses is not counted
 * either: its other processes would refuse too, and an open circuit would hide the reason and outlast it.
 */
export function countsAsFailure(error: unknown): boolean {
	return isFault(error) && !hasReason(error);
}

/** Reports whether a service has responded with the reason why it is unhealthy or refuses all calls. */
export function hasReason(error: unknown): boolean {
	return /^(EVENTS_NOT_|MESSAGES_NOT_|DATA_BEHIND$)/.test(problemCode(error) ?? "");
}

/** Reports whether the service, and not the request, is the cause of a missing response. */
export function isUnavailable(error: unknown): boolean {
	return (
		isMoleculerError(error, "ServiceNotFoundError") ||
		isMoleculerError(error, "ServiceNotAvailableError") ||
		isFault(error)
	);
}

/** Reports whether an error is more than a mistake of the client. */
function isFault(error: unknown): boolean {
	const { code } = (error ?? {}) as Described;
	return !(typeof code === "number" && code < 500);
}

/**
 * Reports whether another call may succeed after this failure. It may not if the caller's deadline has passed, nor
 * under overload, since it would join the end of the queue.
 */
export function isWorthRepeating(error: unknown): boolean {
	return (
		(error as Described | null)?.retryable === true &&
		!isMoleculerError(error, "RequestTimeoutError") &&
		!isMoleculerError(error, "QueueIsFullError")
	);
}

/** Statuses of problems that depend on the moment or the client, and not on the request. */
export const REPEATABLE_STATUSES: readonly number[] = [401, 408, 425, 429];

/** Reports whether a problem is the response to this very request, which would get the same one again. */
export function isAboutRequest(code: ProblemCode): boolean {
	const { status } = PROBLEMS[code];
	return status < 500 && !REPEATABLE_STATUSES.includes(status);
}

/** Fields of errors that identify them. */
interface Described {
	name?: string;
	code?: unknown;
	retryable?: unknown;
	message?: string;
	parent?: unknown;
	cause?: unknown;
	hasErrorLabel?(label: string): boolean;
}

/** Transient SQLSTATE classes: connection, read-only, rollback, resources, lock not available, intervention, system. */
const SQL_STATES = /^(08|25006|40|53|55P03|57|58)/;
/** Transient error codes of Node, for connections and files. */
const SYSTEM_CODES = new Set([
	...["ECONNREFUSED", "ECONNRESET", "ECONNABORTED", "EPIPE", "ETIMEDOUT", "ENOTFOUND", "EAI_AGAIN"],
	...["EHOSTUNREACH", "EHOSTDOWN", "ENETUNREACH", "ENETDOWN"],
	...["ENOSPC", "EDQUOT", "EIO", "EROFS", "EMFILE", "ENFILE", "EAGAIN", "EBUSY", "ENOMEM"],
]);
/** Codes of the NATS client while the server is overloaded, frozen or starting, or without a subscriber. */
const NATS_CODES = new Set<unknown>([
	...(["TIMEOUT", "CONNECTION_TIMEOUT", "CONNECTION_REFUSED", "CONNECTION_CLOSED"] as const),
	...(["DISCONNECT", "503"] as const),
] satisfies `${ErrorCode}`[]);
/**
 * Names of drivers' errors for a server that is unreachable, lost or too slow, and for a file that cannot be written.
 */
const NAMES =
	/^(Mongo(Network|NetworkTimeout|ServerSelection|OperationTimeout|WaitQueueTimeout|WriteConcern|PoolCleared|StalePrimary)Error|PoolClearedOnNetworkError|Mongo(Topology|Pool|Server|Client)ClosedError|MongoNotConnectedError|Sequelize(Connection|HostNotFound|HostNotReachable)\w*|NotWrittenError)$/;
/** Labels of MongoDB's errors whose operations may be retried. */
const MONGO_LABELS = ["RetryableWriteError", "TransientTransactionError"];
/**
 * MongoDB's error codes that its drivers retry, and those of a server that has run out of time or disk space.
 * https://github.com/mongodb/specifications/blob/master/source/retryable-reads/retryable-reads.md
 */
const MONGO_CODES = new Set<unknown>([
	...[6, 7, 89, 91, 134, 189, 262, 9001, 10058, 10107, 11600, 11602, 13435, 13436],
	// MaxTimeMSExpired, OutOfDiskSpace
	...[50, 14031],
]);

function isTransientOfDriver(error: Described): boolean {
	const { name = "", code, message = "" } = error;
	if (SYSTEM_CODES.has(code as string) || NAMES.test(name)) {
		return true;
	}
	if (name.startsWith("Mongo")) {
		return (
			MONGO_CODES.has(code) ||
			MONGO_LABELS.some((label) => error.hasErrorLabel?.(label) === true) ||
			// Messages without a code, from MongoDB-compatible servers.
			/not (master|primary)|node is recovering/i.test(message)
		);
	}
	if (name === "NatsError") {
		return NATS_CODES.has(code);
	}
	if (typeof code === "string" && /^[0-9A-Z]{5}$/.test(code)) {
		return SQL_STATES.test(code);
	}
	// Errors of pg about its connections have no code.
	return (
		name === "Error" &&
		code === undefined &&
		/connection|timeout|client was closed|pool after calling end/i.test(message)
	);
}
