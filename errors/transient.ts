import { Errors } from "moleculer";
import { NotWritten } from "../database/append-log.ts";

/** Classes of SQLSTATE that pass by themselves: connection, rollback, resources, intervention, system, read-only. */
const TRANSIENT_STATES = /^(08|25006|40|53|55P03|57|58)/;
/** Errors of MongoDB's driver for a server that it cannot reach or has lost, or that is too slow. */
const TRANSIENT_NAMES = /^Mongo(Network|NetworkTimeout|ServerSelection|Timeout|WriteConcern)Error$/;
/** What driver or server put on errors of operations that may be run again. */
const TRANSIENT_LABELS = ["RetryableWriteError", "TransientTransactionError"];
/**
 * MongoDB's error codes that its drivers retry, and those of a server that is out of time or of disk.
 * https://github.com/mongodb/specifications/blob/master/source/retryable-reads/retryable-reads.md
 */
const TRANSIENT_CODES = new Set([
	...[6, 7, 89, 91, 134, 189, 262, 9001, 10058, 10107, 11600, 11602, 13435, 13436],
	// MaxTimeMSExpired, OutOfDiskSpace
	...[50, 14031],
]);

/** The parts of the drivers' errors that tell what they are. */
interface Failure {
	name?: string;
	code?: unknown;
	retryable?: unknown;
	syscall?: unknown;
	message?: string;
	hasErrorLabel?(label: string): boolean;
}

/**
 * Whether an error tells of something that passes without anybody changing the program or its data: a server or service
 * is away or too slow, or a disk is full. What fails so is tried until it is done.
 */
export function isTransient(error: unknown): boolean {
	const { code, retryable, syscall, message } = (error ?? {}) as Failure;
	if (error instanceof Errors.MoleculerRetryableError || error instanceof NotWritten) {
		return true;
	}
	if (retryable === true || syscall !== undefined || isTransientOfMongo((error ?? {}) as Failure)) {
		return true;
	}
	if (typeof code === "string" && /^[0-9A-Z]{5}$/.test(code)) {
		return TRANSIENT_STATES.test(code);
	}
	// What pg says of its connections has no code.
	return /connection|timeout|client was closed|pool after calling end/i.test(message ?? "");
}

function isTransientOfMongo(error: Failure): boolean {
	const { name = "", code, message = "" } = error;
	return (
		TRANSIENT_NAMES.test(name) ||
		TRANSIENT_LABELS.some((label) => error.hasErrorLabel?.(label) === true) ||
		(name.startsWith("Mongo") && typeof code === "number" && TRANSIENT_CODES.has(code)) ||
		// Said without a code by a driver that is closed, and by servers of other makes.
		(name.startsWith("Mongo") &&
			/topology (is closed|was destroyed)|not (master|primary)|node is recovering/i.test(message))
	);
}
