import { Errors } from "moleculer";

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
