import type { ServiceBroker, ServiceSchema } from "moleculer";
import { StartError } from "../../infra/parts.ts";

/** Where each service is: a new one is a line here. The gateway is last, so that it opens when the rest is there. */
const SERVICES: Record<string, () => Promise<{ default: ServiceSchema }>> = {
	users: () => import("../../services/users/users.service.ts"),
	products: () => import("../../services/products/products.service.ts"),
	orders: () => import("../../services/orders/orders.service.ts"),
	notifications: () => import("../../services/notifications/notifications.service.ts"),
	api: () => import("../../services/api/api.service.ts"),
};

/**
 * The services that somebody named, in the order in which they start; all of them where nobody named any.
 *
 * @param given Names, separated by commas or spaces.
 * @throws StartError that lists the names there are.
 */
export function namedServices(given: string): string[] {
	const names = given.split(/[\s,]+/).filter((name) => name !== "" && name !== "all");
	const unknown = names.filter((name) => !Object.hasOwn(SERVICES, name));
	if (unknown.length > 0) {
		throw new StartError(
			`there is no service "${unknown.join('", "')}": the services are ${Object.keys(SERVICES).join(", ")}`,
		);
	}
	return Object.keys(SERVICES).filter((name) => names.length === 0 || names.includes(name));
}

/** Adds a service to a broker; on a started broker it starts at once. */
export async function addService(broker: ServiceBroker, name: string): Promise<void> {
	const load = SERVICES[name] as (typeof SERVICES)[string];
	broker.createService((await load()).default);
}
