import { randomUUID } from "node:crypto";
import type { ServiceBroker } from "moleculer";
import { callAction, type ParamsOf } from "../../contracts/actions.ts";
import { asService } from "../../middlewares/permissions.ts";

/** Creates a group on behalf of the shop. */
export function newGroup(broker: ServiceBroker, ...options: string[]) {
	const group = { name: `Kaos ${randomUUID()}`, description: "Katun", category: "kaos", options };
	return callAction(broker, "v1.products.createGroup", group, asService());
}

/** Creates a variant of a group on behalf of the shop, in the process of this node. */
export function newVariant(
	broker: ServiceBroker,
	group_id: string | null,
	options: Record<string, string>,
	given: Partial<ParamsOf<"v1.products.create">> = {},
) {
	const product = { name: "Kaos", description: "Katun", price: 80_000, stock: 5, category: "kaos" };
	const here = { ...asService(), nodeID: broker.nodeID };
	return callAction(broker, "v1.products.create", { ...product, ...given, group_id, options }, here);
}
