import type { ServiceBroker, ServiceSchema } from "moleculer";
import { StartError } from "../infra/backing-services.ts";

/**
 * Modules of the services; a new service is one line here. The gateway is last, so that it opens when the others are
 * up.
 */
const SERVICES: Record<string, () => Promise<{ default: ServiceSchema }>> = {
	users: () => import("../services/users/users.service.ts"),
	products: () => import("../services/products/products.service.ts"),
	orders: () => import("../services/orders/orders.service.ts"),
	notifications: () => import("../services/notifications/notifications.service.ts"),
	api: () => import("../services/api/api.service.ts"),
};

/**
 * Returns the named services, in the order in which they start; all services if none is named.
 *
 * @param given Names, separated by commas or spaces.
 * @param name The variable that the names come from, for the error.
 * @throws StartError that lists the existing names.
 */
export function namedServices(given: string, name = ""): string[] {
	const names = given.split(/[\s,]+/).filter((one) => one !== "" && one !== "all");
	const unknown = names.filter((one) => !Object.hasOwn(SERVICES, one));
	if (unknown.length > 0) {
		throw new StartError(
			`${name ? `${name}: ` : ""}there is no service "${unknown.join('", "')}": the services are ${Object.keys(SERVICES).join(", ")}`,
		);
	}
	return Object.keys(SERVICES).filter((one) => names.length === 0 || names.includes(one));
}

/** Adds a service to a broker; on a running broker it starts at once. */
export async function addService(broker: ServiceBroker, name: string): Promise<void> {
	const load = SERVICES[name] as (typeof SERVICES)[string];
	broker.createService((await load()).default);
}
