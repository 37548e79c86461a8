import type { ServiceBroker } from "moleculer";
import { type ActionName, callAction, contracts } from "../../contracts/actions.ts";

/** How long a service may take to say that it is well. */
const PATIENCE_MS = 2000;

/** `not_ready` names what is missing, so that an operator knows where to look. */
export interface Readiness {
	status: "ready" | "not_ready";
	service: "api-gateway";
	services: Record<string, "healthy" | "unavailable">;
}

/** Whether the whole shop can serve: every service is there and its database answers. */
export async function readiness(broker: ServiceBroker): Promise<Readiness> {
	const checks = contracts.map(async ({ name, version }) => {
		const health = `v${version}.${name}.health` as Extract<ActionName, `${string}.health`>;
		try {
			await callAction(broker, health, {}, { timeout: PATIENCE_MS, retries: 0 });
			return [name, "healthy"] as const;
		} catch {
			return [name, "unavailable"] as const;
		}
	});
	const services = Object.fromEntries(await Promise.all(checks));
	const isReady = Object.values(services).every((status) => status === "healthy");
	return { status: isReady ? "ready" : "not_ready", service: "api-gateway", services };
}
