import { basename } from "node:path";
import { sslModeOfShell } from "../../config/environment.ts";
import { misspeltVariables } from "../../config/misspelt.ts";
import { checkSettings } from "../../config/settings.ts";
import { checkArguments, checkCheckout, commands } from "../arguments.mjs";
import "../../hosting/closed-output.ts";
import { fail } from "../../hosting/fatal-error.ts";

/*
 * Imported first, so that a setting which is found to be wrong while the other modules load is one line as well. Modules
 * that an image lacks are imported by the commands that need them once they have begun, so that this is told before. Once
 * all are loaded, an error that nobody caught is a defect and ends the process as Node does it, with its stack.
 */
process.on("uncaughtException", fail);
setImmediate(() => process.off("uncaughtException", fail));
// One place for all commands, before they start anything. A test has another program.
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
