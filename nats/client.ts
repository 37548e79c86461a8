import type { ServiceBroker } from "moleculer";
import { Events, type Msg, type NatsConnection } from "nats";

/** The connection to NATS that a broker's transporter holds; undefined while there is none. */
export function natsOf(broker: ServiceBroker): NatsConnection | undefined {
	const transit = broker.transit as { tx?: { client?: NatsConnection | null } } | undefined;
	return transit?.tx?.client ?? undefined;
}

/**
 * Hears what is published on a subject, over every connection that the broker will have: call it before the broker starts.
 * It comes from any process, also from one that the registry takes for gone, as it does for a moment after a long pause.
 */
export function listen(broker: ServiceBroker, subject: string, callback: (message: Msg) => void): void {
	withEachConnection(broker, (nats) => {
		nats.subscribe(subject, { callback: (error, message) => error ?? callback(message) });
	});
}

/**
 * Tells when what others publish may have been missed: at each loss of the connection and when it is there again. The
 * client connects again by itself, of which the transporter says nothing. Call it before the broker starts.
 */
export function onConnectionGap(broker: ServiceBroker, callback: () => void): void {
	withEachConnection(broker, async (nats) => {
		callback();
		for await (const { type } of nats.status()) {
			if (type === Events.Disconnect || type === Events.Reconnect) {
				callback();
			}
		}
	});
}

function withEachConnection(broker: ServiceBroker, use: (nats: NatsConnection) => void): void {
	const used = new WeakSet<NatsConnection>();
	broker.localBus.on("$transporter.connected", () => {
		const nats = natsOf(broker);
		if (nats && !used.has(nats)) {
			used.add(nats);
			use(nats);
		}
	});
}
