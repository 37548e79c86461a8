import { createHmac, timingSafeEqual } from "node:crypto";
import type { ServiceBroker } from "moleculer";
import { createInbox, type NatsConnection } from "nats";
import { deriveKey } from "../config/settings.ts";
import { listen, natsOf } from "./client.ts";

/** A revocation: only access tokens of this session version or later remain valid for the user. */
export interface Revocation {
	user_id: number;
	session_version: number;
}

/** Name of the local event, and last part of the subject. */
const REVOKED = "tokens.revoked";
/**
 * Key in a node's metadata: the node handles revocations and acknowledges them. Nodes of the previous version do not.
 */
const TAKES_REVOCATIONS = "takes_revocations";
/** Time limit for acknowledgements; a frozen node reads the message before its next call over NATS, or asks users. */
const TIMEOUT_MS = 1000;

/**
 * Publishes to every node that access tokens are revoked. Resolves when each node has acknowledged it, so that
 * afterwards no node accepts them any more; a node that does not respond is skipped after a second.
 */
export async function publishRevocations(broker: ServiceBroker, revoked: Revocation[]): Promise<void> {
	if (revoked.length === 0) {
		return;
	}
	broker.localBus.emit(REVOKED, revoked);
	const nats = natsOf(broker);
	if (nats && !nats.isClosed()) {
		await notifyNodes(broker, nats, revoked).catch((error: Error) =>
			broker.logger.warn(`Could not notify other nodes of revoked tokens: ${error.message}`),
		);
	}
}

async function notifyNodes(
	broker: ServiceBroker,
	nats: NatsConnection,
	revoked: Revocation[],
): Promise<void> {
	const pending = new Set(handlingNodes(broker));
	const inbox = createInbox();
	const replies = nats.subscribe(inbox);
	const timer = setTimeout(() => replies.unsubscribe(), TIMEOUT_MS);
	nats.publish(subjectOf(broker), seal(revoked), { reply: inbox });
	if (pending.size > 0) {
		for await (const reply of replies) {
			pending.delete(reply.string());
			if (pending.size === 0) {
				break;
			}
		}
	}
	clearTimeout(timer);
	replies.unsubscribe();
	if (pending.size > 0) {
		broker.logger.warn(`Nodes that did not acknowledge revoked tokens in time: ${[...pending].join(", ")}`);
	}
}

/**
 * Subscribes to revocations published by this node and by others. Call it before the broker starts. Revocations may be
 * missed while NATS is disconnected.
 */
export function onRevocations(broker: ServiceBroker, handle: (revoked: Revocation[]) => void): void {
	Object.assign(broker.metadata, { [TAKES_REVOCATIONS]: true });
	broker.localBus.on(REVOKED, handle);
	listen(broker, subjectOf(broker), (message) => {
		const revoked = unseal(message.string());
		if (revoked) {
			handle(revoked);
			message.respond(Buffer.from(broker.nodeID));
		}
	});
}

/** Signs the message, so that only the shop's own nodes can log users out. */
function seal(revoked: Revocation[]): string {
	const text = JSON.stringify(revoked);
	return `${signature(text).toString("base64url")} ${text}`;
}

function unseal(message: string): Revocation[] | undefined {
	const [, received = "", text = ""] = /^(\S+) (.*)$/s.exec(message) ?? [];
	const [left, right] = [Buffer.from(received, "base64url"), signature(text)];
	return left.length === right.length && timingSafeEqual(left, right) ? JSON.parse(text) : undefined;
}

function signature(text: string): Buffer {
	return createHmac("sha256", deriveKey("revoked tokens")).update(text).digest();
}

function handlingNodes(broker: ServiceBroker): string[] {
	const nodes = broker.registry.getNodeList({ onlyAvailable: true, withServices: false });
	return nodes
		.filter(({ id, metadata }) => id !== broker.nodeID && metadata?.[TAKES_REVOCATIONS] === true)
		.map(({ id }) => id);
}

function subjectOf(broker: ServiceBroker): string {
	return `${broker.namespace}.${REVOKED}`;
}
