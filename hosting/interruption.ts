import { deliverHeldSignals, StartError } from "../infra/backing-services.ts";
import { onClosedOutput } from "./closed-output.ts";

/** The interruption of a command before it has finished. */
export class Interrupted extends StartError {
	/** False if the reader of the command's output has closed it. */
	isRead: boolean;

	constructor(cause: string, isRead: boolean) {
		super(`interrupted by ${cause}`);
		this.isRead = isRead;
	}
}

/**
 * Returns a promise that rejects at the first SIGINT, SIGTERM or SIGHUP, or when the reader of the output closes it;
 * later signals are ignored. A command that starts processes races it with its work, because Node's default handling
 * would orphan them.
 *
 * @param options.needsReader False if the work is useful without its output.
 * @throws Interrupted
 */
export function interruption({ needsReader = true } = {}): Promise<never> {
	const { promise, reject } = Promise.withResolvers<never>();
	for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
		process.on(signal, () => reject(new Interrupted(signal, true)));
	}
	deliverHeldSignals();
	if (needsReader) {
		onClosedOutput(() => reject(new Interrupted("the end of its output's reader", false)));
	}
	// It may reject after the work is done.
	promise.catch(() => undefined);
	return promise;
}
