import type { ServiceBroker } from "moleculer";
import type { contracts } from "../contracts/actions.ts";
import { StartError } from "../infra/backing-services.ts";
import { createBroker, operatorNode } from "./broker.ts";
import { joinServers } from "./servers.ts";

const PATIENCE_MS = 10_000;

/**
 * Runs a function as a node of the running shop that hosts no services.
 *
 * @param service The service that must be available.
 * @throws StartError if no shop is running, or the service is unavailable.
 */
export async function withShop(
	service: (typeof contracts)[number],
	work: (broker: ServiceBroker) => Promise<void>,
): Promise<void> {
	const { name, version } = service;
	await joinServers((line) => console.error(line));
	const broker = createBroker({ nodeID: operatorNode("tool"), quiet: true });
	await broker.start();
	try {
		await broker.waitForServices({ name, version }, PATIENCE_MS).catch(() => {
			throw new StartError(`the ${name} service is not running: start it with \`npm run node -- ${name}\``);
		});
		await work(broker);
	} finally {
		await broker.stop();
	}
}
