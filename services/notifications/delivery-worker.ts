import { setTimeout as wait } from "node:timers/promises";
import pLimit from "p-limit";
import { databaseUrl } from "../../config/settings.ts";
import { BY_KEY, postgresPool } from "../../database/postgres-client.ts";
import { type ChannelName, type Message, Refused } from "./channel.ts";
import { openChannels } from "./channels.ts";
import {
	type DeliveryOrder,
	DRAIN_MS,
	PING,
	PING_EVERY_MS,
	type WorkerMessage,
} from "./delivery-protocol.ts";
import { Lease } from "./lease.ts";
import { marking } from "./marking.ts";
import { markSent, releaseAllBut } from "./queue.ts";

// The program of the process that delivery.ts starts: it hands messages over and marks them as sent, nothing else. A message
// that has left and is not marked yet goes out again; so when the service's process is killed or frozen, this one still
// marks what it is just sending, gives the rest back to the queue, and ends. It holds the lease of the messages, so others
// take them over once it is gone, and not before.

/** How many messages are being handed over at the same moment, by channel: slow texts hold up no mails. */
const AT_ONCE = 5;
/** How many may have left and not be marked yet, or be handed over: each is sent twice if this process is killed then. */
const IN_DOUBT_MAX = 25;
/** So many pings in a row that do not come tell that the service's process is frozen. Counted, since this one may have been. */
const MISSED_PINGS = 20;

/** Why a message of a lost lease was not handed over. */
const LEFT_TO_OTHERS = "it was left to others";

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
	warn: (trouble) => tell({ trouble }),
});

const underWay = new Set<Promise<void>>();
/** The ids of messages that the other side may have by now. */
const onTheirWay = new Set<string>();
let missed = 0;

const lease = new Lease((number) => {
	// Waiting messages were taken from the queue under the lost lease.
	clearQueues();
	tell({ lease: number });
}, markAgain);
lease.start();

process.on("message", (order: DeliveryOrder | typeof PING) => {
	missed = 0;
	if (order === PING) {
		tell(PING);
		return;
	}
	const { turn } = order;
	const work = limits[order.channel]
		.inDoubt(() => send(order))
		.catch((): WorkerMessage => ({ turn, is: "failed", reason: LEFT_TO_OTHERS }))
		.then(tell);
	underWay.add(work);
	void work.then(() => underWay.delete(work));
});

setInterval(() => {
	if (++missed > MISSED_PINGS && process.connected) {
		process.disconnect();
	}
}, PING_EVERY_MS).unref();

process.once("disconnect", async () => {
	clearQueues();
	setTimeout(() => process.exit(1), DRAIN_MS).unref();
	const givenBack = releaseAllBut(pool, lease.number, [...onTheirWay]).catch(() => undefined);
	await Promise.all([givenBack, ...underWay]);
	process.exit(0);
});

function clearQueues(): void {
	for (const { inDoubt, handedOver } of Object.values(limits)) {
		inDoubt.clearQueue();
		handedOver.clearQueue();
	}
}

async function send({ turn, lease: number, channel, message }: DeliveryOrder): Promise<WorkerMessage> {
	try {
		await limits[channel].handedOver(() => handOver(number, channel, message));
		// Whatever happens from here on, it has left.
		await mark({ id: message.id, recipient: message.to, subject: message.subject ?? null });
		return { turn, is: "sent" };
	} catch (error) {
		const { name, message: why } = error as Error;
		const reason = name === "AbortError" ? LEFT_TO_OTHERS : why;
		return { turn, is: error instanceof Refused ? "refused" : "failed", reason };
	} finally {
		onTheirWay.delete(message.id);
	}
}

async function handOver(number: number, channel: ChannelName, message: Message): Promise<void> {
	if (number !== lease.number || !lease.isValid) {
		throw new Error("the database was away");
	}
	onTheirWay.add(message.id);
	await channels[channel]?.send(message);
}

function tell(what: WorkerMessage): void {
	if (process.connected) {
		process.send?.(what);
	}
}
