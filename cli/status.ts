import "./startup/startup-checks.ts";

import { setTimeout as wait } from "node:timers/promises";
import { askNats, askServices } from "../broker/health.ts";
import { contracts } from "../contracts/actions.ts";
import { createBroker, operatorNode } from "../hosting/broker.ts";
import { fail } from "../hosting/fatal-error.ts";
import { Nodes } from "../hosting/nodes.ts";
import { joinServers } from "../hosting/servers.ts";
import { StartError } from "../infra/backing-services.ts";
import { nodesTable } from "./tables/cluster-table.ts";

/** Time within which nodes discover each other. */
const INTRODUCTIONS_MS = 1000;
/** Interval over which rates are measured. */
const SECOND_MS = 1000;

/**
 * `npm run status`: shows the nodes of the running shop and the health of its services; exit code 1 if one is not
 * ready.
 */
async function start(): Promise<void> {
	await joinServers((line) => console.error(line));
	const broker = createBroker({ nodeID: operatorNode("status"), quiet: true });
	broker.fatal = (message) => fail(new StartError(message));
	await broker.start();
	await wait(INTRODUCTIONS_MS);
	const nodes = new Nodes(broker);
	await nodes.look();
	await wait(SECOND_MS);
	console.log(nodesTable(await nodes.look()));
	const names = contracts.map(({ name }) => name);
	const { services, reasons = {} } = await askServices(broker, names);
	const states = { ...services, nats: await askNats(broker) };
	const away = Object.entries(states).filter(([, state]) => state !== "healthy");
	console.log(
		away.length === 0 ? "ready" : `not ready: ${away.map(([name]) => name).join(", ")} unavailable`,
	);
	for (const [name, reason] of Object.entries(reasons)) {
		console.log(`${name}: ${reason}`);
	}
	await broker.stop();
	process.exit(away.length === 0 ? 0 : 1);
}

await start().catch(fail);
