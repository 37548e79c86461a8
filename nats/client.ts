import type { ServiceBroker } from "moleculer";
import { Events, type Msg, type NatsConnection } from "nats";

/** Name of the local event that JetStream was connected or reconnected. */
export const JETSTREAM_CONNECTED = "$jetstream.connected";

/** Returns the NATS connection of a broker's transporter; undefined while there is none. */
export function natsOf(broker: ServiceBroker): NatsConnection | undefined {
	const transit = broker.transit as { tx?: { client?: NatsConnection | null } } | undefined;
	return transit?.tx?.client ?? undefined;
}

/**
 * Subscribes to a subject over every connection that the broker will have. Call it before the broker starts. Messages
 * come from any process, also from one that the registry considers disconnected, as it does for a moment after a long
 * pause.
 */
export function listen(broker: ServiceBroker, subject: string, callback: (message: Msg) => void): void {
	withEachConnection(broker, (nats) => {
		nats.subscribe(subject, { callback: (error, message) => error ?? callback(message) });
	});
}

/**
 * Calls back when messages may have been missed: at each loss of the connection and after each reconnect. The client
 * reconnects by itself, which the transporter does not report. Call it before the broker starts.
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
