import type { ServiceBroker } from "moleculer";
import { askNats, askServices, type State } from "../../broker/health.ts";
import { contracts } from "../../contracts/actions.ts";

/** `not_ready` names what is missing, so that an operator knows where to look. */
export interface Readiness {
	status: "ready" | "not_ready";
	service: "api-gateway";
	services: Record<string, State | "stopping">;
	/** Why, in words, of services that answer. */
	reasons?: Record<string, string>;
}

/** Whether the whole shop can serve here: every service is there with its database, NATS answers, the gateway stays. */
export async function readiness(broker: ServiceBroker, isStopping = false): Promise<Readiness> {
	if (isStopping) {
		return { status: "not_ready", service: "api-gateway", services: { api: "stopping" } };
	}
	const [{ services, reasons }, nats] = await Promise.all([
		askServices(
			broker,
			contracts.map(({ name }) => name),
		),
		askNats(broker),
	]);
	const states = { ...services, nats };
	const isReady = Object.values(states).every((state) => state === "healthy");
	return {
		status: isReady ? "ready" : "not_ready",
		service: "api-gateway",
		services: states,
		...(reasons && { reasons }),
	};
}
