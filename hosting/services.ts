import type { ServiceBroker, ServiceSchema } from "moleculer";
import { contracts } from "../contracts/services.ts";
import { StartError } from "../infra/backing-services.ts";

/** Names of the services. The gateway is last, so that it opens when the others are up. */
const NAMES: string[] = [...new Set<string>(contracts.map(({ name }) => name)), "api"];

/**
 * Returns the named services, in the order in which they start; all services if none is named.
 *
 * @param list Names, separated by commas or spaces.
 * @param name The variable that the names come from, for the error.
 * @throws StartError that lists the existing names.
 */
export function namedServices(list: string, name = ""): string[] {
	const names = list.split(/[\s,]+/).filter((one) => one !== "" && one !== "all");
	const unknown = names.filter((one) => !NAMES.includes(one));
	if (unknown.length > 0) {
		throw new StartError(
			`${name ? `${name}: ` : ""}there is no service "${unknown.join('", "')}": the services are ${NAMES.join(", ")}`,
		);
	}
	return NAMES.filter((one) => names.length === 0 || names.includes(one));
}

/** Adds a service to a broker. On a running broker, starts it, and throws the error if it does not start. */
export async function addService(broker: ServiceBroker, name: string): Promise<void> {
	const schema = (await import(`../services/${name}/${name}.service.ts`)).default as ServiceSchema;
	if (broker.started) {
		// Moleculer's createService starts it too, but does not report its error.
		await new broker.ServiceFactory(broker, schema)._start();
	} else {
		broker.createService(schema);
	}
}
