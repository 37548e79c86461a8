import "../../processes/tick-objects.ts";

import { setTimeout as wait } from "node:timers/promises";
import pLimit from "p-limit";
import { databaseUrl } from "../../config/settings.ts";
import { BY_KEY, postgresPool } from "../../database/postgres-client.ts";
import { sends } from "../../observability/metrics.ts";
import { observeSince } from "../../observability/series.ts";
import { serveMetrics } from "../../observability/server.ts";
import { inSpan, parseTraceparent, startTracing, stopTracing } from "../../observability/tracing.ts";
import { onDisconnect } from "../../processes/child.ts";
import { type ChannelName, Interrupted, type Message, Refused } from "./channel.ts";
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

/** Time for the last export of traces. */
const TRACES_STOP_MS = 2000;
/** Spans of attempts to send a message. */
const SPANS = {
	email: { name: "send mail", kind: "client" },
	sms: { name: "send text message", kind: "client" },
} as const;

/** Reason why a message of a lost lease was not sent. */
const LEASE_LOST = "its lease was lost";

await startTracing("delivery-worker", (warning) => post({ warning }), { hearsFailures: false });
const channels = openChannels();
const newLimits = () => ({
	inDoubt: pLimit({ concurrency: IN_DOUBT_MAX, rejectOnClear: true }),
	sending: pLimit({ concurrency: AT_ONCE, rejectOnClear: true }),
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
void serveMetrics((warning) => post({ warning })).then(
	(metrics_port) => metrics_port && post({ metrics_port }),
);

process.on("message", (request: DeliveryRequest | typeof PING) => {
	missed = 0;
	if (request === PING) {
		post(PING);
		return;
	}
	const { request_id } = request;
	const work = limits[request.channel]
		.inDoubt(() => send(request))
		.catch((): WorkerMessage => ({ request_id, is: "interrupted", reason: LEASE_LOST }))
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
	await stopTracing(TRACES_STOP_MS);
	process.exit(0);
});

function clearQueues(): void {
	for (const { inDoubt, sending } of Object.values(limits)) {
		inDoubt.clearQueue();
		sending.clearQueue();
	}
}

async function send({
	request_id,
	lease: number,
	channel,
	message,
	traceparent,
}: DeliveryRequest): Promise<WorkerMessage> {
	try {
		await limits[channel].sending(() => {
			const parent = parseTraceparent(traceparent);
			const work = () => deliver(number, channel, message);
			return parent ? inSpan(parent, { ...SPANS[channel], links: [parent] }, work) : work();
		});
		// From here on the message has been sent, whatever happens.
		await mark({ id: message.id, recipient: message.to, subject: message.subject ?? null });
		return { request_id, is: "sent" };
	} catch (error) {
		const { name, message: reason } = error as Error;
		if (name === "AbortError") {
			return { request_id, is: "interrupted", reason: LEASE_LOST };
		}
		const is = error instanceof Refused ? "refused" : error instanceof Interrupted ? "interrupted" : "failed";
		return { request_id, is, reason };
	} finally {
		inFlight.delete(message.id);
	}
}

async function deliver(number: number, channel: ChannelName, message: Message): Promise<void> {
	if (number !== lease.number || !lease.isValid) {
		throw new Interrupted("the database was unavailable");
	}
	inFlight.add(message.id);
	const begun = performance.now();
	try {
		await channels[channel]?.send(message);
		observeSince(sends, { channel }, begun);
	} catch (error) {
		observeSince(sends, { channel }, begun, error instanceof Refused ? "refused" : "failed");
		throw error;
	}
}

function post(message: WorkerMessage): void {
	if (process.connected) {
		// The service's process may end at this moment; without a callback, the error would end this process.
		process.send?.(message, undefined, undefined, () => undefined);
	}
}
