import type { ServiceBroker } from "moleculer";
import type { Msg, NatsConnection } from "nats";

/** The connection to NATS that a broker's transporter holds; undefined while there is none. */
export function natsOf(broker: ServiceBroker): NatsConnection | undefined {
	const transit = broker.transit as { tx?: { client?: NatsConnection | null } } | undefined;
	return transit?.tx?.client ?? undefined;
}

/**
 * Hears what is published on a subject, over every connection that the broker will have: call it before the broker starts.
 * It comes from any process, also from one that the registry takes for gone, as it does for a moment after a long pause.
 */
export function hear(broker: ServiceBroker, subject: string, callback: (message: Msg) => void): void {
	const heardOver = new WeakSet<NatsConnection>();
	broker.localBus.on("$transporter.connected", () => {
		const nats = natsOf(broker);
		if (nats && !heardOver.has(nats)) {
			heardOver.add(nats);
			nats.subscribe(subject, { callback: (error, message) => error ?? callback(message) });
		}
	});
}
