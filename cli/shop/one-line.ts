import { basename } from "node:path";
import { sslModeOfShell } from "../../mixins/environment.ts";
import { misspeltVariables } from "../../mixins/misspelt.ts";
import { checkSettings } from "../../mixins/settings.ts";
import { checkArguments, commands } from "../arguments.mjs";
import "./closed-output.ts";

/*
 * Imported first, so that a setting which is found to be wrong while the other modules load is one line as well. Once
 * all are loaded, an error that nobody caught is a defect and ends the process as Node does it, with its stack.
 */
process.on("uncaughtException", fail);
setImmediate(() => process.off("uncaughtException", fail));
// One place for all commands, before they start anything. A test has another program.
const command = basename(process.argv[1] ?? "", ".ts");
if (commands.includes(command)) {
	checkArguments(command, process.argv.slice(2));
}
checkSettings();
if (/^(require|verify)/.test(sslModeOfShell ?? "") && !/[?&]ssl/.test(process.env.POSTGRES_URL ?? "?ssl")) {
	console.error(`warning: PGSSLMODE does not count: add sslmode=verify-full to POSTGRES_URL for TLS`);
}
for (const [name, right] of misspeltVariables(process.env)) {
	console.error(`warning: ${name} is set, which Toko does not know: ${right} is meant?`);
}

/** Ends the process with one line that names cause and cure; the stack is there with LOG_LEVEL=debug. */
export function fail(error: unknown): never {
	const { name, message, stack } = error instanceof Error ? error : new Error(String(error));
	const line = message.split("\n", 1)[0];
	// The client of NATS says no more than such as TIMEOUT.
	const cure = "see that it runs and answers in time, then start again";
	const isBehind = (error as { type?: unknown } | null)?.type === "DATA_BEHIND";
	const ways = "See docs/restoring.md; `npm run audit -- --accept-restore` goes on without what is lost";
	const told = isBehind ? `${line} ${ways}` : line;
	console.error(`toko: ${name === "NatsError" ? `NATS failed (${line}): ${cure}` : told}`);
	if (process.env.LOG_LEVEL === "debug" || process.env.LOG_LEVEL === "trace") {
		console.error(stack);
	}
	process.exit(1);
}
