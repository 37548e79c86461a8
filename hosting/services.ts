import type { ServiceBroker, ServiceSchema } from "moleculer";
import { contracts } from "../contracts/services.ts";
import { StartError } from "../infra/backing-services.ts";

/** The services by name. The gateway is last, so that it opens when the rest is there. */
const NAMES: string[] = [...new Set<string>(contracts.map(({ name }) => name)), "api"];

/**
 * The services that somebody named, in the order in which they start; all of them where nobody named any.
 *
 * @param given Names, separated by commas or spaces.
 * @param name The variable that they come from, for the error.
 * @throws StartError that lists the names there are.
 */
export function namedServices(given: string, name = ""): string[] {
	const names = given.split(/[\s,]+/).filter((one) => one !== "" && one !== "all");
	const unknown = names.filter((one) => !NAMES.includes(one));
	if (unknown.length > 0) {
		throw new StartError(
			`${name ? `${name}: ` : ""}there is no service "${unknown.join('", "')}": the services are ${NAMES.join(", ")}`,
		);
	}
	return NAMES.filter((one) => names.length === 0 || names.includes(one));
}

/** Adds a service to a broker; on a started broker it starts at once. */
export async function addService(broker: ServiceBroker, name: string): Promise<void> {
	broker.createService((await import(`../services/${name}/${name}.service.ts`)).default as ServiceSchema);
}
