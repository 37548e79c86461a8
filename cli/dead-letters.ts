import "./shop/one-line.ts";

import { joinRunningParts, StartError } from "../infra/parts.ts";
import { settings } from "../mixins/settings.ts";
import { createBroker } from "./shop/broker.ts";
import { fail } from "./shop/one-line.ts";
import { listDeadLetters, retryDeadLetters } from "./shop/operator-commands.ts";

const PATIENCE_MS = 10_000;

/** `npm run dead-letters [-- retry ID|all]`: the events that the running shop could not handle, and another try. */
async function start(): Promise<void> {
	const [command, id, ...rest] = process.argv.slice(2);
	if (rest.length > 0 || (command !== undefined && (command !== "retry" || !id))) {
		throw new StartError(
			"npm run dead-letters lists them; npm run dead-letters -- retry ID, or retry all, handles them after all",
		);
	}
	await joinRunningParts(settings.directory, PATIENCE_MS, (line) => console.error(line));
	const broker = createBroker({ nodeID: `dead-letters-${process.pid}`, quiet: true });
	await broker.start();
	await broker.waitForServices({ name: "notifications", version: 1 }, PATIENCE_MS).catch(() => {
		throw new StartError("the notifications service is away: bring it with `npm run node -- notifications`");
	});
	await (id ? retryDeadLetters(broker, id) : listDeadLetters(broker));
	await broker.stop();
}

await start().catch(fail);
process.exit();
