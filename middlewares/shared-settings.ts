import type { Middleware, ServiceBroker } from "moleculer";
import {
	difference,
	remedyOf,
	settingsOfCommands,
	sharedSettings,
	webhookFingerprint,
} from "../config/shared-settings.ts";
import { contracts } from "../contracts/actions.ts";

/** Metadata of a node, in addition to its services. */
interface NodeMetadata {
	settings?: Record<string, string>;
	/** Fingerprint of PAYMENT_WEBHOOK_SECRET, if it is set. */
	webhooks?: string;
	/** Start time in milliseconds since 1970. */
	since?: number;
}

/** The subset of Moleculer's nodes that is compared; its types lack some of it. */
interface Node {
	id: string;
	metadata?: NodeMetadata | null;
	services?: { name: string }[] | null;
}

/** Returns the metadata of this process's node. */
export function nodeMetadata(): NodeMetadata {
	const webhooks = webhookFingerprint();
	return { settings: sharedSettings(), since: Date.now(), ...(webhooks ? { webhooks } : {}) };
}

/**
 * Returns the metadata of a node of a command, which hosts no service. Commands are typed into a shell without the
 * settings that the shop was started with, and need only those that they read.
 */
export function commandMetadata(): NodeMetadata {
	return { settings: settingsOfCommands(), since: Date.now() };
}

/**
 * Ends a node whose shared settings differ from those of the nodes that store the shop's data. A node without data,
 * such as a gateway, always yields; of two nodes with data, the later one does.
 */
export const sharedSettingsMiddleware: Middleware = {
	name: "Agreement",
	created(broker: ServiceBroker) {
		const warned = new Set<string>();
		for (const event of ["$node.connected", "$node.updated"]) {
			broker.localBus.on(event, ({ node }: { node: Node }) => {
				compare(broker, node);
				compareWebhooks(broker, node, warned);
			});
		}
	},
};

const KEEPERS: string[] = contracts.map(({ name }) => name);

function compare(broker: ServiceBroker, node: Node): void {
	const [own, other] = [broker.metadata as NodeMetadata, node.metadata ?? {}];
	const found = difference(own.settings ?? {}, other.settings ?? {});
	if (node.id === broker.nodeID || !found) {
		return;
	}
	const { name } = found;
	if (
		node.services?.some((service) => KEEPERS.includes(service.name)) &&
		yields(broker, own, node.id, other)
	) {
		broker.fatal(
			`${name} is ${found.own} here, but ${found.other} at ${node.id}, which keeps data of this shop: ${remedyOf(name, found.other)}`,
			undefined,
			true,
		);
	} else {
		broker.logger.warn(`${name} is ${found.own} here, but ${found.other} at ${node.id}, which should end`);
	}
}

/**
 * Warns about processes of orders that accept webhooks with different signatures. The secrets may differ while they are
 * being changed, one process after the other, so no process is refused.
 */
function compareWebhooks(broker: ServiceBroker, node: Node, warned: Set<string>): void {
	const [own, other] = [(broker.metadata as NodeMetadata).webhooks, node.metadata?.webhooks];
	const takeBoth = [broker, node].every(({ services }) =>
		services?.some((service: { name: string }) => service.name === "orders"),
	);
	if (node.id === broker.nodeID || !takeBoth || !own || !other || own === other || warned.has(node.id)) {
		return;
	}
	warned.add(node.id);
	broker.logger.warn(
		`PAYMENT_WEBHOOK_SECRET is fingerprint ${own} here, but ${other} at ${node.id}: one of them answers 401 to valid webhooks until both have the provider's`,
	);
}

function yields(broker: ServiceBroker, own: NodeMetadata, id: string, other: NodeMetadata): boolean {
	const hasData = broker.services.some((service) => KEEPERS.includes(service.name));
	const [mine, theirs] = [own.since ?? 0, other.since ?? 0];
	return !hasData || theirs < mine || (theirs === mine && id < broker.nodeID);
}
