import { basename } from "node:path";
import { sslModeOfShell } from "../../config/environment.ts";
import { misspeltVariables } from "../../config/misspelt.ts";
import { checkSettings } from "../../config/settings.ts";
import { checkArguments, checkCheckout, commands } from "../arguments.mjs";
import "../../hosting/closed-output.ts";
import { fail } from "../../hosting/fatal-error.ts";

/*
 * Imported first, so that an invalid setting that is detected while other modules load is reported in one line too.
 * Once all are loaded, an uncaught error is a bug and ends the process with its stack, as Node does by default.
 * A command that an image lacks the files of imports them after this module, so that it is refused in one line before.
 */
process.on("uncaughtException", fail);
setImmediate(() => process.off("uncaughtException", fail));
// Validates the arguments of all commands here, before they start anything. Under test, the program is another one.
const command = basename(process.argv[1] ?? "", ".ts");
if (commands.includes(command)) {
	checkArguments(command, process.argv.slice(2));
	checkCheckout(command);
}
checkSettings();
if (/^(require|verify)/.test(sslModeOfShell ?? "") && !/[?&]ssl/.test(process.env.POSTGRES_URL ?? "?ssl")) {
	console.error(`warning: PGSSLMODE does not count: add sslmode=verify-full to POSTGRES_URL for TLS`);
}
for (const [name, right] of misspeltVariables(process.env)) {
	console.error(`warning: ${name} is set, which Toko does not know: ${right} is meant?`);
}
