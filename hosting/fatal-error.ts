import { showsStacks } from "../config/environment.ts";

/** Ends the process with one line that names cause and remedy; LOG_LEVEL=debug adds the stack. */
export function fail(error: unknown): never {
	const { name, message, stack } = error instanceof Error ? error : new Error(String(error));
	const line = message.split("\n", 1)[0];
	// The NATS client's message is a code only, such as TIMEOUT.
	const cure = "see that it runs and answers in time, then start again";
	const isBehind = (error as { type?: unknown } | null)?.type === "DATA_BEHIND";
	const ways = "See docs/how-to/restore.md; `npm run audit -- --accept-restore` goes on without what is lost";
	const explained = isBehind ? `${line} ${ways}` : line;
	console.error(`toko: ${name === "NatsError" ? `NATS failed (${line}): ${cure}` : explained}`);
	if (showsStacks) {
		console.error(stack);
	}
	process.exit(1);
}
