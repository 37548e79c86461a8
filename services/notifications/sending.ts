import { setTimeout as wait } from "node:timers/promises";
import pLimit from "p-limit";
import { batched } from "../../mixins/batching.ts";
import { BY_KEY, postgresPool } from "../../mixins/postgres-client.ts";
import { databaseUrl } from "../../mixins/settings.ts";
import { type ChannelName, type Message, Refused } from "./channel.ts";
import { openChannels } from "./channels.ts";
import { type Order, type Outcome, PING, PING_EVERY_MS, type Ready } from "./handover.ts";
import { Lease } from "./lease.ts";
import { giveBack, markSent, type Sent } from "./queue.ts";

// The program of the process that sender.ts starts: it hands messages over and marks them as sent, nothing else. A message
// that has left and is not marked yet goes out again; so when the service's process is killed or frozen, this one still
// marks what it is just sending, gives the rest back to the queue, and ends. It holds the lease of the messages, so others
// take them over once it is gone, and not before.

/** How many messages are being handed over at the same moment, by channel: slow texts hold up no mails. */
const AT_ONCE = 5;
/** How many may have left and not be marked yet, or be handed over: each is sent twice if this process is killed then. */
const IN_DOUBT_MAX = 25;
/** How long it finishes what is on its way once the service's process is gone. */
const LAST_WORDS_MS = 10_000;
/** So many pings in a row that do not come tell that the service's process is frozen. Counted, since this one may have been. */
const MISSED_PINGS = 20;

/** Marks begin no closer together: each wakes PostgreSQL, and what is not marked goes out twice after a kill. */
const MARK_EVERY_MS = 8;
/** Where the database is away, it is asked again this often, for so long. */
const MARK_AGAIN_MS = 100;
const MARK_PATIENCE_MS = 30_000;

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

const underWay = new Set<Promise<void>>();
/** The ids of messages that the other side may have by now. */
const onTheirWay = new Set<string>();
let missed = 0;

const lease = new Lease((number) => {
	// Waiting messages were taken from the queue under the lost lease.
	clearQueues();
	tell({ lease: number });
});
lease.start();

process.on("message", (order: Order | typeof PING) => {
	missed = 0;
	if (order === PING) {
		tell(PING);
		return;
	}
	const { turn } = order;
	const work = limits[order.channel]
		.inDoubt(() => send(order))
		.catch((): Outcome => ({ turn, is: "failed", reason: LEFT_TO_OTHERS }))
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
	setTimeout(() => process.exit(1), LAST_WORDS_MS).unref();
	const givenBack = giveBack(pool, lease.number, [...onTheirWay]).catch(() => undefined);
	await Promise.all([givenBack, ...underWay]);
	process.exit(0);
});

function clearQueues(): void {
	for (const { inDoubt, handedOver } of Object.values(limits)) {
		inDoubt.clearQueue();
		handedOver.clearQueue();
	}
}

async function send({ turn, lease: number, channel, message }: Order): Promise<Outcome> {
	try {
		await limits[channel].handedOver(() => handOver(number, channel, message));
		await mark(message);
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

/** Those that leave while a mark is being written, or right after another, share the next one. */
const markTogether = batched<Sent, void>(
	async (sent) => {
		await markSent(pool, sent);
		return sent.map(() => undefined);
	},
	{ every_ms: MARK_EVERY_MS },
);

/** The message has left, so it is marked as soon as the database lets it. */
async function mark({ id, to, subject }: Message): Promise<void> {
	const sent_at = performance.now();
	const sent = () => ({ id, recipient: to, subject: subject ?? null, age_ms: performance.now() - sent_at });
	for (let isFirst = true; ; isFirst = false) {
		try {
			// One that can't be marked must not keep others from it.
			await (isFirst ? markTogether(sent()) : markSent(pool, [sent()]));
			return;
		} catch (error) {
			if (performance.now() - sent_at > MARK_PATIENCE_MS) {
				throw new Error(`it left, but could not be marked: ${(error as Error).message}`);
			}
			await wait(MARK_AGAIN_MS);
		}
	}
}

function tell(what: Outcome | Ready | typeof PING): void {
	if (process.connected) {
		process.send?.(what);
	}
}
