import type { ServiceBroker } from "moleculer";
import { askNats, askServices, type State } from "../../broker/health.ts";
import { contracts } from "../../contracts/actions.ts";

/** Readiness of the shop; `services` shows an operator the missing ones. */
export interface Readiness {
	status: "ready" | "not_ready";
	service: "api-gateway";
	services: Record<string, State | "stopping">;
	/** Reasons of services that respond and are not healthy. */
	reasons?: Record<string, string>;
}

/**
 * Checks whether the whole shop can serve requests: every service and its database are available, NATS responds, and
 * the gateway is not stopping.
 */
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
