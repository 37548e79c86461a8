import type { ServiceBroker } from "moleculer";
import { type ActionName, callAction, contracts } from "../contracts/actions.ts";
import { hasReason } from "../errors/kinds.ts";
import { natsOf } from "../nats/client.ts";

/** Time limit for a health check of a service or of NATS. */
const TIMEOUT_MS = 2000;

export type State = "healthy" | "unavailable";

/** States of services, with the reasons of those that respond but are unhealthy. */
interface States {
	services: Record<string, State>;
	reasons?: Record<string, string>;
}

type HealthAction = Extract<ActionName, `${string}.health`>;

/**
 * Checks the health of services: each must respond, reach its database, and publish or handle its events.
 *
 * @param nodeID Node to ask; any node by default.
 */
export async function askServices(
	broker: ServiceBroker,
	names: readonly string[],
	nodeID?: string,
): Promise<States> {
	const reasons: Record<string, string> = {};
	const checks = contracts
		.filter(({ name }) => names.includes(name))
		.map(async ({ name, version }) => {
			const health = `v${version}.${name}.health` as HealthAction;
			const options = { timeout: TIMEOUT_MS, retries: 0, ...(nodeID ? { nodeID } : {}) };
			// A call of an action that no node offers logs a warning; while a shop starts, that would be several per second.
			const isOffered = broker.registry.actions.isAvailable(health);
			const response = isOffered ? callAction(broker, health, {}, options) : Promise.reject();
			response.catch((error) => {
				if (hasReason(error)) {
					reasons[name] = (error as Error).message;
				}
			});
			return [name, await stateOf(response)] as const;
		});
	const services = Object.fromEntries(await Promise.all(checks));
	return Object.keys(reasons).length > 0 ? { services, reasons } : { services };
}

/** Checks that NATS responds to this process. */
export function askNats(broker: ServiceBroker): Promise<State> {
	const client = natsOf(broker);
	if (!broker.transit?.connected || !client) {
		return Promise.resolve("unavailable");
	}
	return stateOf(inTime(client.rtt()));
}

async function stateOf(response: Promise<unknown>): Promise<State> {
	return response.then(
		() => "healthy" as const,
		() => "unavailable" as const,
	);
}

function inTime<T>(work: Promise<T>): Promise<T> {
	return new Promise((resolve, reject) => {
		const timer = setTimeout(() => reject(new Error("no response in time")), TIMEOUT_MS);
		work.then(resolve, reject).finally(() => clearTimeout(timer));
	});
}
