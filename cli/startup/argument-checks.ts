import { basename } from "node:path";
import { fail } from "../../hosting/fatal-error.ts";
import { checkArguments, checkCheckout, commands } from "../arguments.mjs";

/*
 * Imported before anything that reads the settings, so that `--help` answers even where a setting is wrong, and so that
 * a wrong one, which fails while modules load, is reported in one line. Once all are loaded, an uncaught error is a bug
 * and ends the process with its stack, as Node does by default.
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
