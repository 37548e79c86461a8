import type { ServiceBroker } from "moleculer";
import { createInbox, type Msg } from "nats";
import { LOG_LEVELS } from "../config/variables.ts";
import { logLevels, setLogLevel } from "../observability/logger.ts";
import { type RegisteredNode, servicesOf } from "../observability/targets.ts";
import { listen, natsOf } from "./client.ts";

/** Change of the level of a service, or of all. */
export interface LevelChange {
	level: string;
	service?: string | undefined;
}

/** Levels of a process. */
export interface NodeLevels {
	node: string;
	usual: string;
	changed: Record<string, string>;
}

/** Time limit for the replies of all processes. */
const TIMEOUT_MS = 1000;

const subjectOf = ({ namespace }: ServiceBroker) => `${namespace}.log-levels`;

/** Lets operators change the levels of this process while it runs. Call it before the broker starts. */
export function offerLogLevels(broker: ServiceBroker): void {
	listen(broker, subjectOf(broker), (message) => {
		const { level, service } = readChange(message);
		if (level !== undefined && LOG_LEVELS.includes(level)) {
			setLogLevel(level, service);
		}
		message.respond(JSON.stringify({ node: broker.nodeID, ...logLevels() } satisfies NodeLevels));
	});
}

function readChange(message: Msg): Partial<LevelChange> {
	try {
		return message.json<Partial<LevelChange>>();
	} catch {
		return {};
	}
}

/**
 * Changes the level of a service, or of all, in all processes of the shop; without a change only asks.
 *
 * @returns The levels of each process that has replied in time, in the order of their names.
 */
export async function askLogLevels(broker: ServiceBroker, change?: LevelChange): Promise<NodeLevels[]> {
	const nats = natsOf(broker);
	if (!nats) {
		throw new Error("NATS is not connected: try again when it is");
	}
	const nodes: object[] = broker.registry.getNodeList({ onlyAvailable: true, withServices: true });
	const expected = (nodes as RegisteredNode[]).filter((node) => servicesOf(node).length > 0).length;
	const inbox = createInbox();
	const replies = nats.subscribe(inbox);
	const timer = setTimeout(() => replies.unsubscribe(), TIMEOUT_MS);
	nats.publish(subjectOf(broker), JSON.stringify(change ?? {}), { reply: inbox });
	const levels: NodeLevels[] = [];
	for await (const reply of replies) {
		levels.push(reply.json<NodeLevels>());
		if (levels.length >= expected) {
			break;
		}
	}
	clearTimeout(timer);
	return levels.sort((one, other) => one.node.localeCompare(other.node));
}
