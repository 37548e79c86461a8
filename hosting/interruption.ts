import { StartError } from "../infra/backing-services.ts";
import { onClosedOutput } from "./closed-output.ts";

/** The end of a command before its work is done. */
export class Interrupted extends StartError {
	/** Whether somebody still reads the command's output. */
	isRead: boolean;

	constructor(cause: string, isRead: boolean) {
		super(`interrupted by ${cause}`);
		this.isRead = isRead;
	}
}

/**
 * A promise that rejects at the first SIGINT, SIGTERM or SIGHUP, or when nobody reads the output any more; later ones change
 * nothing. For a command that starts processes, to race with its work: Node's own end of the process would leave them.
 *
 * @param options.needsReader False where the work has a use without its output.
 * @throws Interrupted
 */
export function interruption({ needsReader = true } = {}): Promise<never> {
	const { promise, reject } = Promise.withResolvers<never>();
	for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
		process.on(signal, () => reject(new Interrupted(signal, true)));
	}
	if (needsReader) {
		onClosedOutput(() => reject(new Interrupted("the end of its output's reader", false)));
	}
	// It may come after the work.
	promise.catch(() => undefined);
	return promise;
}
