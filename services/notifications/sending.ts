import { setTimeout as wait } from "node:timers/promises";
import pLimit from "p-limit";
import { postgresPool } from "../../mixins/postgres-client.ts";
import { databaseUrl } from "../../mixins/settings.ts";
import { Refused } from "./channel.ts";
import { openChannels } from "./channels.ts";
import { type Order, type Outcome, PING } from "./handover.ts";

// The program of the process that sender.ts starts: it hands messages over and marks them as sent, nothing else. A message
// that has left and is not marked yet goes out again; so when the service's process is killed, this one still marks what it
// is just sending, and then ends.

/** How many messages are on their way at the same moment, by channel: slow texts hold up no mails. */
const AT_ONCE = 5;
/** When the service's process is dead, others take its messages over after a second or more. */
const LAST_WORDS_MS = 10_000;

/** Where the database is away, it is asked again this often, for so long. */
const MARK_AGAIN_MS = 100;
const MARK_PATIENCE_MS = 30_000;

const channels = openChannels();
const limits = {
	email: pLimit({ concurrency: AT_ONCE, rejectOnClear: true }),
	sms: pLimit({ concurrency: AT_ONCE, rejectOnClear: true }),
};
const pool = postgresPool({
	connectionString: databaseUrl("notifications"),
	max: 2 * AT_ONCE,
	application_name: "toko notifications sender",
});
pool.on("error", () => undefined);

const underWay = new Set<Promise<void>>();

process.on("message", (order: Order | typeof PING) => {
	if (order === PING) {
		answer(PING);
		return;
	}
	const work = limits[order.channel](() => send(order)).then(answer, () => undefined);
	underWay.add(work);
	void work.then(() => underWay.delete(work));
});

process.once("disconnect", async () => {
	for (const limit of Object.values(limits)) {
		limit.clearQueue();
	}
	setTimeout(() => process.exit(1), LAST_WORDS_MS).unref();
	await Promise.all(underWay);
	process.exit(0);
});

async function send({ turn, channel, message }: Order): Promise<Outcome> {
	try {
		await channels[channel]?.send(message);
		await markSent(message.id);
		return { turn, is: "sent" };
	} catch (error) {
		return { turn, is: error instanceof Refused ? "refused" : "failed", reason: (error as Error).message };
	}
}

/** The message has left, so it is marked as soon as the database lets it. */
async function markSent(id: string): Promise<void> {
	const deadline = Date.now() + MARK_PATIENCE_MS;
	for (;;) {
		try {
			await mark(id);
			return;
		} catch (error) {
			if (Date.now() > deadline) {
				throw new Error(`it left, but could not be marked: ${(error as Error).message}`);
			}
			await wait(MARK_AGAIN_MS);
		}
	}
}

/** Does not wait for the disk: a power cut may undo the last half second of marks, which is no worse than a kill. */
async function mark(id: string): Promise<void> {
	await pool.query(
		`WITH quickly AS (SELECT set_config('synchronous_commit', 'off', true))
		UPDATE notifications SET status = 'sent', sent_at = now(), data = NULL,
			history = history || jsonb_build_object('status', 'sent', 'at', now())
		FROM quickly WHERE id = $1 AND status <> 'sent'`,
		[id],
	);
}

function answer(outcome: Outcome | typeof PING): void {
	if (process.connected) {
		process.send?.(outcome);
	}
}
