import "./startup/startup-checks.ts";

import { notifications } from "../contracts/notifications.ts";
import { withShop } from "../hosting/attached.ts";
import { fail } from "../hosting/fatal-error.ts";
import { StartError } from "../infra/backing-services.ts";
import { readArguments, usage } from "./arguments.mjs";
import { listDeadLetters, retryDeadLetters } from "./repl/operator-commands.ts";

/** `npm run dead-letters [-- retry ID|all]`: lists the dead letters of the running shop, or handles them again. */
async function start(): Promise<void> {
	const [command, id, ...rest] = readArguments("dead-letters").positionals;
	if (rest.length > 0 || (command !== undefined && (command !== "retry" || !id))) {
		throw new StartError(`unknown arguments: ${usage("dead-letters")}`);
	}
	await withShop(notifications, (broker) => (id ? retryDeadLetters(broker, id) : listDeadLetters(broker)));
}

await start().catch(fail);
process.exit();
