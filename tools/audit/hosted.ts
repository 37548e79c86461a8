import type { ServiceBroker } from "moleculer";
import { settings } from "../../config/settings.ts";
import { createBroker } from "../../hosting/broker.ts";
import { addService } from "../../hosting/services.ts";
import { StartError } from "../../infra/backing-services.ts";
import { ownProductsFile } from "../../infra/lock.ts";

const TIMEOUT_MS = 10_000;

/**
 * Calls a function with a broker that can reach the given services.
 *
 * @param isRunning Whether the services are running; otherwise this process hosts them for the call.
 * @throws StartError if the services are unavailable.
 */
export async function withServices<T>(
	names: string[],
	isRunning: boolean,
	work: (broker: ServiceBroker) => Promise<T>,
): Promise<T> {
	const broker = createBroker({ nodeID: `audit-${process.pid}`, quiet: true });
	if (!isRunning) {
		if (names.includes("products") && !settings.mongoUrl) {
			await ownProductsFile(settings.directory);
		}
		for (const name of names) {
			await addService(broker, name);
		}
	}
	await broker.start();
	try {
		await broker
			.waitForServices(
				names.map((name) => ({ name, version: 1 })),
				TIMEOUT_MS,
			)
			.catch(() => {
				const missing = names.join(" or ");
				throw new StartError(
					`${missing} is unavailable: start it with \`npm run node -- ${names.join(" ")}\``,
				);
			});
		return await work(broker);
	} finally {
		await broker.stop();
	}
}
