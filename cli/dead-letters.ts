import "./shop/one-line.ts";

import { notifications } from "../contracts/notifications.ts";
import { StartError } from "../infra/parts.ts";
import { withShop } from "./shop/attached.ts";
import { fail } from "./shop/one-line.ts";
import { listDeadLetters, retryDeadLetters } from "./shop/operator-commands.ts";

/** `npm run dead-letters [-- retry ID|all]`: the events that the running shop could not handle, and another try. */
async function start(): Promise<void> {
	const [command, id, ...rest] = process.argv.slice(2);
	if (rest.length > 0 || (command !== undefined && (command !== "retry" || !id))) {
		throw new StartError(
			"npm run dead-letters lists them; npm run dead-letters -- retry ID, or retry all, handles them after all",
		);
	}
	await withShop(notifications, (broker) => (id ? retryDeadLetters(broker, id) : listDeadLetters(broker)));
}

await start().catch(fail);
process.exit();
