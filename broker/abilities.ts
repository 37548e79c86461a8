import type { ServiceBroker } from "moleculer";

/**
 * Tells whether an available process has a service without an ability, which is a name in the service's metadata. During
 * a rolling update, processes of earlier versions run too.
 */
export function isMissing(
	broker: ServiceBroker,
	service: { name: string; version: unknown },
	ability: string,
): boolean {
	return broker.registry
		.getServiceList({ onlyAvailable: true })
		.some(
			({ name, version, metadata }: typeof service & { metadata?: Record<string, unknown> }) =>
				name === service.name && version === service.version && !metadata?.[ability],
		);
}
