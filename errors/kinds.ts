import { Errors } from "moleculer";
import { ErrorCode } from "nats";
import { PROBLEMS, type ProblemCode, problemCode } from "../contracts/problems.ts";

/**
 * What an error says, and so what becomes of the work that failed by it:
 *
 * | kind | means | calls | circuit breaker | inbox | cached response | gateway |
 * |---|---|---|---|---|---|---|
 * | client | the request is wrong, or comes at the wrong time | not repeated | does not count | after some tries a dead letter | dropped | the problem, 4xx |
 * | conflict | a concurrent transaction won | the transaction is repeated (database/conflicts.ts) | counts | tried until it is done | shown, stale | 503 |
 * | transient | a server or service is unavailable or too slow, or a disk is full | repeated where that is safe | counts | tried until it is done | shown, stale | 503, 504 |
 * | bug | anything else | not repeated | counts | after some tries a dead letter | shown, stale | 500 |
 */
export type ErrorKind = "client" | "conflict" | "transient" | "bug";

/** The kind of an error of Toko, Moleculer, a driver or Node. */
export function kindOf(error: unknown): ErrorKind {
	if (error instanceof Errors.MoleculerRetryableError) {
		return "transient";
	}
	const { code, retryable, parent, cause } = (error ?? {}) as Described;
	if (typeof code === "number" && (error instanceof Errors.MoleculerError || problemCode(error))) {
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
	// As Sequelize and the products' file wrap the error of their driver.
	return parent !== undefined ? kindOf(parent) : cause !== undefined ? kindOf(cause) : "bug";
}

/** Whether an error passes without anybody changing the program or its data, so that work is tried until it is done. */
export function isTransient(error: unknown): boolean {
	return ["transient", "conflict"].includes(kindOf(error));
}

/** Whether PostgreSQL undid work because of concurrent work, so that all of it may be run again at once. */
export function isUndone(error: unknown): boolean {
	const { code } = (error ?? {}) as Described;
	// A deadlock, a serialization failure, a change of the schema since the statement was parsed.
	return code === "40P01" || code === "40001" || isPlanOutdated(error);
}

/** Whether a statement has to be parsed anew, because a migration has changed its columns. */
export function isPlanOutdated(error: unknown): boolean {
	const { code, message } = (error ?? {}) as Described;
	return code === "0A000" && /cached plan must not change result type/.test(message ?? "");
}

/** The SQLSTATE of an error of PostgreSQL's class 22, data exception: a value that it cannot keep or compare. */
export function dataException(error: unknown): string | undefined {
	const { code, parent } = (error ?? {}) as Described;
	if (typeof code === "string" && /^22[0-9A-Z]{3}$/.test(code)) {
		return code;
	}
	return parent === undefined ? undefined : dataException(parent);
}

/** Whether an error was made for a caller, and not by a driver. */
export function isForCaller(error: unknown): boolean {
	return error instanceof Errors.MoleculerError || problemCode(error) !== undefined;
}

/**
 * Whether the circuit breaker counts an error: the callee timed out, was lost or failed by itself. A mistake of the client says
 * nothing about the callee's health, nor does a refusal by a service that answers.
 */
export function countsAsFailure(error: unknown): boolean {
	const { code } = (error ?? {}) as Described;
	return !(typeof code === "number" && code < 500) && !problemCode(error)?.startsWith("EVENTS_NOT_");
}

/** Whether the service, and not the request, is why there is no response. */
export function isUnavailable(error: unknown): boolean {
	return (
		error instanceof Errors.ServiceNotFoundError ||
		error instanceof Errors.ServiceNotAvailableError ||
		countsAsFailure(error)
	);
}

/**
 * Whether another call may succeed where this one failed: not where the caller's time is already up, nor where there is too
 * much to do, since it would go to the end of the queue.
 */
export function isWorthRepeating(error: unknown): boolean {
	return (
		(error as Described | null)?.retryable === true &&
		!(error instanceof Errors.RequestTimeoutError) &&
		!(error instanceof Errors.QueueIsFullError)
	);
}

/** Statuses of problems that tell of the moment or of the client, and not of the request. */
export const REPEATABLE_STATUSES: readonly number[] = [401, 408, 425, 429];

/** Whether a problem is the answer to this very request, which would get it again. */
export function isAboutRequest(code: ProblemCode): boolean {
	const { status } = PROBLEMS[code];
	return status < 500 && !REPEATABLE_STATUSES.includes(status);
}

/** The parts of errors that tell what they are. */
interface Described {
	name?: string;
	code?: unknown;
	retryable?: unknown;
	message?: string;
	parent?: unknown;
	cause?: unknown;
	hasErrorLabel?(label: string): boolean;
}

/** Classes of SQLSTATE that pass: connection, read-only, rollback, resources, lock not available, intervention, system. */
const SQL_STATES = /^(08|25006|40|53|55P03|57|58)/;
/** Node's, of connections and of files. */
const SYSTEM_CODES = new Set([
	...["ECONNREFUSED", "ECONNRESET", "ECONNABORTED", "EPIPE", "ETIMEDOUT", "ENOTFOUND", "EAI_AGAIN"],
	...["EHOSTUNREACH", "EHOSTDOWN", "ENETUNREACH", "ENETDOWN"],
	...["ENOSPC", "EDQUOT", "EIO", "EROFS", "EMFILE", "ENFILE", "EAGAIN", "EBUSY", "ENOMEM"],
]);
/** Those of the NATS client while the server is overloaded, frozen or starting, or nobody listens. */
const NATS_CODES = new Set<unknown>([
	...[
		ErrorCode.Timeout,
		ErrorCode.ConnectionTimeout,
		ErrorCode.ConnectionRefused,
		ErrorCode.ConnectionClosed,
	],
	...[ErrorCode.Disconnect, ErrorCode.NoResponders],
]);
/** Names of drivers' errors: a server that cannot be reached, was lost or is too slow; a file that takes no writes. */
const NAMES =
	/^(Mongo(Network|NetworkTimeout|ServerSelection|Timeout|WriteConcern)Error|Sequelize(Connection|HostNotFound|HostNotReachable)\w*|NotWrittenError)$/;
/** Labels of MongoDB's errors whose operations may be run again. */
const MONGO_LABELS = ["RetryableWriteError", "TransientTransactionError"];
/**
 * MongoDB's error codes that its drivers retry, and those of a server that is out of time or of disk.
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
			// Said without a code by a driver that is closed, and by servers of other makes.
			/topology (is closed|was destroyed)|not (master|primary)|node is recovering/i.test(message)
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
