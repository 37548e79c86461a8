import { setTimeout as wait } from "node:timers/promises";
import pLimit from "p-limit";
import { databaseUrl } from "../../config/settings.ts";
import { BY_KEY, postgresPool } from "../../database/postgres-client.ts";
import { onDisconnect } from "../../processes/child.ts";
import { type ChannelName, type Message, Refused } from "./channel.ts";
import { openChannels } from "./channels.ts";
import {
	type DeliveryRequest,
	DRAIN_MS,
	PING,
	PING_EVERY_MS,
	type WorkerMessage,
} from "./delivery-protocol.ts";
import { Lease } from "./lease.ts";
import { marking } from "./marking.ts";
import { markSent, releaseAllBut } from "./queue.ts";

// The delivery worker, the program of the process that delivery.ts starts. It only sends messages and marks them as
// sent. A message that was sent but not marked is sent again. So if the service's process is killed or frozen, the
// worker still marks the messages in flight, returns the others to the queue, and exits. It holds the lease of the
// messages, so other processes take them over only after it has exited.

/** Maximum number of concurrent sends per channel, so that slow text messages do not delay mails. */
const AT_ONCE = 5;
/**
 * Maximum number of messages being sent, or sent and not marked yet: each is sent twice if this process is killed then.
 */
const IN_DOUBT_MAX = 25;
/**
 * Number of consecutive missing pings after which the service's process is considered frozen. Counted instead of timed,
 * since this process may have been frozen itself.
 */
const MISSED_PINGS = 20;

/** Reason why a message of a lost lease was not sent. */
const LEASE_LOST = "its lease was lost";

const channels = openChannels();
const newLimits = () => ({
	inDoubt: pLimit({ concurrency: IN_DOUBT_MAX, rejectOnClear: true }),
	handedOver: pLimit({ concurrency: AT_ONCE, rejectOnClear: true }),
});
const limits = { email: newLimits(), sms: newLimits() };
const pool = postgresPool({
	connectionString: databaseUrl("notifications"),
	max: 3,
	session: BY_KEY,
	application_name: "toko notifications sender",
});
pool.on("error", () => undefined);
const { mark, markAgain } = marking({
	write: (sent) => markSent(pool, sent),
	wait,
	warn: (warning) => post({ warning }),
});

const pending = new Set<Promise<void>>();
/** Ids of messages that the recipient's server may have received. */
const inFlight = new Set<string>();
let missed = 0;

const lease = new Lease((number) => {
	// Queued messages were taken under the lost lease.
	clearQueues();
	post({ lease: number });
}, markAgain);
lease.start();

process.on("message", (request: DeliveryRequest | typeof PING) => {
	missed = 0;
	if (request === PING) {
		post(PING);
		return;
	}
	const { request_id } = request;
	const work = limits[request.channel]
		.inDoubt(() => send(request))
		.catch((): WorkerMessage => ({ request_id, is: "failed", reason: LEASE_LOST }))
		.then(post);
	pending.add(work);
	void work.then(() => pending.delete(work));
});

setInterval(() => {
	if (++missed > MISSED_PINGS && process.connected) {
		process.disconnect();
	}
}, PING_EVERY_MS).unref();

onDisconnect(async () => {
	clearQueues();
	setTimeout(() => process.exit(1), DRAIN_MS).unref();
	const released = releaseAllBut(pool, lease.number, [...inFlight]).catch(() => undefined);
	await Promise.all([released, ...pending]);
	process.exit(0);
});

function clearQueues(): void {
	for (const { inDoubt, handedOver } of Object.values(limits)) {
		inDoubt.clearQueue();
		handedOver.clearQueue();
	}
}

async function send({
	request_id,
	lease: number,
	channel,
	message,
}: DeliveryRequest): Promise<WorkerMessage> {
	try {
		await limits[channel].handedOver(() => deliver(number, channel, message));
		// From here on the message has been sent, whatever happens.
		await mark({ id: message.id, recipient: message.to, subject: message.subject ?? null });
		return { request_id, is: "sent" };
	} catch (error) {
		const { name, message: why } = error as Error;
		const reason = name === "AbortError" ? LEASE_LOST : why;
		return { request_id, is: error instanceof Refused ? "refused" : "failed", reason };
	} finally {
		inFlight.delete(message.id);
	}
}

async function deliver(number: number, channel: ChannelName, message: Message): Promise<void> {
	if (number !== lease.number || !lease.isValid) {
		throw new Error("the database was unavailable");
	}
	inFlight.add(message.id);
	await channels[channel]?.send(message);
}

function post(message: WorkerMessage): void {
	if (process.connected) {
		// The service's process may end at this moment; without a callback, the error would end this process.
		process.send?.(message, undefined, undefined, () => undefined);
	}
}
