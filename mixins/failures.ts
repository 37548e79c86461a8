import { Errors } from "moleculer";

/** Classes of SQLSTATE that pass by themselves: connection, rollback, resources, intervention, system, read-only. */
const PASSING_STATES = /^(08|25006|40|53|55P03|57|58)/;

/**
 * Whether an error tells of something that passes without anybody changing the program or its data: a server or service
 * is away, or too slow. What fails so is tried until it is done.
 */
export function isPassing(error: unknown): boolean {
	const { code, retryable, syscall, message } = (error ?? {}) as {
		code?: unknown;
		retryable?: unknown;
		syscall?: unknown;
		message?: string;
	};
	if (error instanceof Errors.MoleculerRetryableError || retryable === true || syscall !== undefined) {
		return true;
	}
	if (typeof code === "string" && /^[0-9A-Z]{5}$/.test(code)) {
		return PASSING_STATES.test(code);
	}
	// What pg says of its connections has no code.
	return /connection|timeout|client was closed|pool after calling end/i.test(message ?? "");
}
