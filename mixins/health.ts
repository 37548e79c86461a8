import type { ServiceBroker } from "moleculer";
import { type ActionName, callAction, contracts } from "../contracts/actions.ts";
import { natsOf } from "./nats-client.ts";

/** How long a service or NATS may take to say that it is well. */
const PATIENCE_MS = 2000;

export type State = "healthy" | "unavailable";
type HealthAction = Extract<ActionName, `${string}.health`>;

/**
 * Whether each of these services answers, with its database.
 *
 * @param nodeID Asks those of this node; by default any.
 */
export async function askServices(
	broker: ServiceBroker,
	names: readonly string[],
	nodeID?: string,
): Promise<Record<string, State>> {
	const asked = contracts
		.filter(({ name }) => names.includes(name))
		.map(async ({ name, version }) => {
			const health = `v${version}.${name}.health` as HealthAction;
			const options = { timeout: PATIENCE_MS, retries: 0, ...(nodeID ? { nodeID } : {}) };
			// A call of what nobody offers would be a warning in the log, several times a second while a shop starts.
			const isOffered = broker.registry.actions.isAvailable(health);
			return [
				name,
				isOffered ? await stateOf(callAction(broker, health, {}, options)) : ("unavailable" as const),
			] as const;
		});
	return Object.fromEntries(await Promise.all(asked));
}

/** Whether NATS answers this process. */
export function askNats(broker: ServiceBroker): Promise<State> {
	const client = natsOf(broker);
	if (!broker.transit?.connected || !client) {
		return Promise.resolve("unavailable");
	}
	return stateOf(inTime(client.rtt()));
}

async function stateOf(answer: Promise<unknown>): Promise<State> {
	return answer.then(
		() => "healthy" as const,
		() => "unavailable" as const,
	);
}

function inTime<T>(work: Promise<T>): Promise<T> {
	return new Promise((resolve, reject) => {
		const timer = setTimeout(() => reject(new Error("no answer in time")), PATIENCE_MS);
		work.then(resolve, reject).finally(() => clearTimeout(timer));
	});
}
