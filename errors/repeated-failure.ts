/** A failure of work that is retried, logged for the operator only when it is new. */
export interface RepeatedFailure {
	/** Logs the failure, unless it is the same as last time. */
	failed(error: unknown): void;
	/** The work has succeeded: the next failure is new. */
	succeeded(): void;
}

/**
 * Logs each failure of retried work once, until it changes or the work has succeeded.
 *
 * @param log Writes one line with the message of the failure.
 */
export function repeatedFailure(log: (message: string) => void): RepeatedFailure {
	let logged: string | undefined;
	return {
		failed(error) {
			const message = error instanceof Error ? error.message : String(error);
			if (message !== logged) {
				logged = message;
				log(message);
			}
		},
		succeeded() {
			logged = undefined;
		},
	};
}
