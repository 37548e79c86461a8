import "./startup/startup-checks.ts";

import { contracts } from "../contracts/actions.ts";
import { createBroker, operatorNode, stopOnSignal, within } from "../hosting/broker.ts";
import { fail } from "../hosting/fatal-error.ts";
import { joinServers } from "../hosting/servers.ts";
import { Operator } from "./repl/operator.ts";
import { openRepl } from "./repl/repl.ts";

/** Time to wait for services. The REPL opens without unavailable services, which it may be needed to diagnose. */
const SERVICES_PATIENCE_MS = 3000;
const STOP_MS = 2000;

/** `npm run repl`: opens a REPL on a node without services, attached to the running shop. */
async function start(): Promise<void> {
	await joinServers((line) => console.error(line));
	const operator = new Operator();
	const broker = createBroker({
		nodeID: operatorNode("repl"),
		quiet: true,
		middlewares: [operator.middleware],
	});
	broker.fatal = (message) => fail(new Error(message));
	stopOnSignal(() => within(STOP_MS, broker.stop()));
	await broker.start();
	const expected = contracts.map(({ name, version }) => ({ name, version }));
	await broker.waitForServices(expected, SERVICES_PATIENCE_MS).catch(() => {
		console.error("not all services are there: see `services`");
	});
	await openRepl(broker, operator);
}

await start().catch(fail);
