import "./startup/startup-checks.ts";

import { notifications } from "../contracts/notifications.ts";
import { withShop } from "../hosting/attached.ts";
import { fail } from "../hosting/fatal-error.ts";
import { StartError } from "../infra/backing-services.ts";
import { readArguments, usage } from "./arguments.mjs";
import { listFailedMails, retryMails, whichMails } from "./repl/operator-commands.ts";

/**
 * `npm run mails [-- retry [--type TYPE] [--since MOMENT]]`: lists the messages that failed for good, or sends them
 * again.
 */
async function start(): Promise<void> {
	const { retry, type, since } = read();
	await withShop(notifications, (broker) =>
		retry ? retryMails(broker, type, since) : listFailedMails(broker),
	);
}

function read() {
	const { values, positionals } = readArguments("mails");
	const [command, ...rest] = positionals;
	const isKnown = command === undefined ? Object.keys(values).length === 0 : command === "retry";
	if (!isKnown || rest.length > 0) {
		throw new StartError(`unknown arguments: ${usage("mails")}`);
	}
	// Validates the arguments before connecting to the shop.
	whichMails(values.type, values.since);
	return { retry: command === "retry", ...values };
}

await start().catch(fail);
process.exit();
