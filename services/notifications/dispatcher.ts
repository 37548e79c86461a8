import { mailsOldest, mailsQueued } from "../../observability/metrics.ts";
import { oncePerScrape } from "../../observability/registry.ts";
import type { ChannelName } from "./channel.ts";
import { ChannelQueue, type Dependencies } from "./channel-queue.ts";
import { Orphans, queueBacklog, queueState } from "./queue.ts";

const CHANNELS: ChannelName[] = ["email", "sms"];

/** Interval between checks of the queue without a wake-up, for retries and for orphaned messages. */
const POLL_MS = 2000;

/** Sends due messages from the queue. Several processes do so concurrently: each leases the messages that it sends. */
export class Dispatcher {
	#dependencies: Dependencies;
	#queues: ChannelQueue[];
	#polling: NodeJS.Timeout | undefined;
	#timers = new Map<ChannelName, NodeJS.Timeout>();
	#orphans = new Orphans();
	#isPolling = false;
	#forget: (() => void)[] = [];
	#isStopping = false;

	constructor(dependencies: Dependencies) {
		this.#dependencies = dependencies;
		this.#queues = CHANNELS.map((channel) => new ChannelQueue(channel, dependencies));
	}

	start(): void {
		this.#dependencies.delivery.onReady = () => this.wake();
		for (const queue of this.#queues) {
			queue.start();
		}
		const backlog = oncePerScrape(() => queueBacklog(this.#dependencies.pool));
		this.#forget = [
			mailsQueued.add(async () => (await backlog()).map(({ channel, queued }) => [{ channel }, queued])),
			mailsOldest.add(async () => (await backlog()).map(({ channel, seconds }) => [{ channel }, seconds])),
		];
		this.#polling = setInterval(() => this.#poll(), POLL_MS);
		void this.#poll();
	}

	/** Sends due messages of these channels at once. */
	wake(channels: Iterable<ChannelName> = CHANNELS): void {
		for (const channel of channels) {
			this.#queues.find((queue) => queue.channel === channel)?.wake();
		}
	}

	/** Stops leasing. The worker finishes the messages in flight. */
	async stop(): Promise<void> {
		this.#isStopping = true;
		for (const forget of this.#forget) {
			forget();
		}
		clearInterval(this.#polling);
		for (const timer of this.#timers.values()) {
			clearTimeout(timer);
		}
		await Promise.all(this.#queues.map((queue) => queue.stop()));
	}

	async #poll(): Promise<void> {
		if (this.#isPolling) {
			return;
		}
		this.#isPolling = true;
		const { pool, delivery, logger } = this.#dependencies;
		try {
			const { next, leases } = await queueState(pool);
			const others = leases.filter((lease) => lease !== delivery.lease);
			if ((await this.#orphans.free(pool, others)) > 0) {
				this.wake();
			}
			if (delivery.lease !== undefined && leases.includes(delivery.lease)) {
				await Promise.all(this.#queues.map((queue) => queue.releaseOrphaned()));
			}
			for (const queue of this.#queues) {
				const due_ms = next[queue.channel];
				if (due_ms !== null && due_ms < POLL_MS && !this.#isStopping) {
					clearTimeout(this.#timers.get(queue.channel));
					this.#timers.set(
						queue.channel,
						setTimeout(() => queue.wake(), due_ms),
					);
				}
			}
		} catch (error) {
			this.#orphans.reset();
			if (!this.#isStopping) {
				logger.warn(`Could not check the queue of messages, retrying: ${(error as Error).message}`);
			}
		} finally {
			this.#isPolling = false;
		}
	}
}
