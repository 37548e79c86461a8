import { setTimeout as wait } from "node:timers/promises";
import { Errors, type ServiceBroker } from "moleculer";
import type { Pool } from "pg";
import { countFailedMessage } from "../../broker/metrics.ts";
import { callAction, type ResultOf } from "../../contracts/actions.ts";
import { problem, problemCode } from "../../contracts/problems.ts";
import { isTransient } from "../../errors/kinds.ts";
import { type RepeatedFailure, repeatedFailure } from "../../errors/repeated-failure.ts";
import { batched } from "../../load/batching.ts";
import { type ChannelName, Refused } from "./channel.ts";
import { type DeliveryProcess, hasChannel } from "./delivery.ts";
import { MESSAGES, type Message } from "./messages.ts";
import {
	dropTentative,
	type Failure,
	findForgotten,
	type Leased,
	leaseDue,
	noteFailures,
	Orphans,
	queueState,
	release,
	releaseAllBut,
} from "./queue.ts";
import type { Templates } from "./templates.ts";

type Contact = NonNullable<ResultOf<"v1.users.contacts">[number]>;

/** The parts of the service that a dispatcher uses. */
export interface Dependencies {
	pool: Pool;
	broker: ServiceBroker;
	logger: ServiceBroker["logger"];
	sender: DeliveryProcess;
	templates: Templates;
}

const CHANNELS: ChannelName[] = ["email", "sms"];

/** Maximum number of messages of a channel in progress in a process; more are leased once half of them are done. */
const IN_HAND_MAX = 100;
/**
 * Minimum interval between leases of a channel, so that many messages share one. The first one after a pause does not
 * wait.
 */
const LEASE_EVERY_MS = 20;
/** Interval between checks of the queue without a wake-up, for retries and for orphaned messages. */
const LOOK_EVERY_MS = 2000;
/** Pause after an error of the database. */
const PAUSE_MS = 500;
/**
 * Time after which a leased message that is not in progress is returned to the queue; the worker may be about to mark
 * it as sent.
 */
const FORGOTTEN_MS = 5000;
/** Maximum age of a message since it was queued; afterwards it is not retried. */
const GIVE_UP_MS = 5 * 24 * 3600 * 1000;

/** Sends due messages from the queue. Several processes do so concurrently: each leases the messages that it sends. */
export class Dispatcher {
	#means: Dependencies;
	#queues: ChannelQueue[];
	#looking: NodeJS.Timeout | undefined;
	#timers = new Map<ChannelName, NodeJS.Timeout>();
	#orphans = new Orphans();
	#isLooking = false;
	#isStopping = false;

	constructor(means: Dependencies) {
		this.#means = means;
		this.#queues = CHANNELS.map((channel) => new ChannelQueue(channel, means));
	}

	start(): void {
		this.#means.sender.onReady = () => this.wake();
		for (const queue of this.#queues) {
			queue.start();
		}
		this.#looking = setInterval(() => this.#look(), LOOK_EVERY_MS);
		void this.#look();
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
		clearInterval(this.#looking);
		for (const timer of this.#timers.values()) {
			clearTimeout(timer);
		}
		await Promise.all(this.#queues.map((queue) => queue.stop()));
	}

	async #look(): Promise<void> {
		if (this.#isLooking) {
			return;
		}
		this.#isLooking = true;
		const { pool, sender, logger } = this.#means;
		try {
			const { next, leases } = await queueState(pool);
			const others = leases.filter((lease) => lease !== sender.lease);
			if ((await this.#orphans.free(pool, others)) > 0) {
				this.wake();
			}
			if (sender.lease !== undefined && leases.includes(sender.lease)) {
				await Promise.all(this.#queues.map((queue) => queue.giveBackForgotten()));
			}
			for (const queue of this.#queues) {
				const due_ms = next[queue.channel];
				if (due_ms !== null && due_ms < LOOK_EVERY_MS && !this.#isStopping) {
					clearTimeout(this.#timers.get(queue.channel));
					this.#timers.set(
						queue.channel,
						setTimeout(() => queue.wake(), due_ms),
					);
				}
			}
		} catch (error) {
			this.#orphans.startAnew();
			if (!this.#isStopping) {
				logger.warn(`The queue of messages is looked at again: ${(error as Error).message}`);
			}
		} finally {
			this.#isLooking = false;
		}
	}
}

/** The queue of one channel, so that a hanging server does not delay other channels. */
class ChannelQueue {
	readonly channel: ChannelName;
	#means: Dependencies;
	/** Ids of messages that were leased and are neither sent nor returned. */
	#inHand = new Set<string>();
	/** True if a lost connection may have hidden messages that were leased. */
	#isUnsure = false;
	/** Leased messages that are not in progress, with the time when that was first seen. */
	#forgottenSince = new Map<string, number>();
	/** True while messages are being leased: they are not in progress yet. */
	#isLeasing = false;
	/** True if the maximum number of messages is in progress. */
	#isFull = false;
	#isStopping = false;
	#isWoken = false;
	#wake: () => void = () => undefined;
	#running = Promise.resolve();
	/** Last logged reason for waiting. */
	readonly #failure: RepeatedFailure;

	constructor(channel: ChannelName, means: Dependencies) {
		this.channel = channel;
		this.#means = means;
		this.#failure = repeatedFailure((reason) => means.logger.warn(`Messages by ${channel} wait: ${reason}`));
	}

	start(): void {
		this.#running = this.#run();
	}

	wake(): void {
		this.#isWoken = true;
		this.#wake();
	}

	async stop(): Promise<void> {
		this.#isStopping = true;
		this.wake();
		await this.#running;
	}

	/**
	 * Returns messages to the queue that this process has leased without knowing: if a connection breaks, the server may
	 * complete its lease after the release of the others.
	 */
	async giveBackForgotten(): Promise<void> {
		const { pool, sender } = this.#means;
		if (sender.lease === undefined || this.#isLeasing) {
			return;
		}
		const found = await findForgotten(pool, sender.lease, [...this.#inHand], this.channel);
		const now = performance.now();
		this.#forgottenSince = new Map(found.map((id) => [id, this.#forgottenSince.get(id) ?? now]));
		const due = found.filter((id) => now - (this.#forgottenSince.get(id) ?? now) > FORGOTTEN_MS);
		if (due.length > 0) {
			await release(pool, sender.lease, due);
			this.wake();
		}
	}

	async #run(): Promise<void> {
		while (!this.#isStopping) {
			this.#isWoken = false;
			const { lease } = this.#means.sender;
			const room = IN_HAND_MAX - this.#inHand.size;
			this.#isFull = room < IN_HAND_MAX / 2;
			if (lease === undefined || this.#isFull) {
				await this.#woken();
				continue;
			}
			const pause = wait(LEASE_EVERY_MS);
			try {
				await this.#leaseOnce(lease, room);
				await pause;
			} catch (error) {
				this.#isUnsure = true;
				this.#warn(error);
				await wait(PAUSE_MS);
			}
		}
	}

	/** Leases due messages. If that were all, waits until it is woken. */
	async #leaseOnce(lease: number, room: number): Promise<void> {
		const { pool } = this.#means;
		if (this.#isUnsure) {
			await releaseAllBut(pool, lease, [...this.#inHand], this.channel);
			this.#isUnsure = false;
		}
		this.#isLeasing = true;
		const leased = await leaseDue(pool, this.channel, lease, room).finally(() => {
			this.#isLeasing = false;
		});
		// A message that is still in progress under a lost lease is returned afterwards.
		this.#begin(
			lease,
			leased.filter(({ id }) => !this.#inHand.has(id)),
		);
		if (leased.length < room) {
			await this.#woken();
		}
	}

	#woken(): Promise<void> {
		return new Promise((resolve) => {
			this.#wake = resolve;
			if (this.#isWoken) {
				resolve();
			}
		});
	}

	#begin(lease: number, leased: Leased[]): void {
		if (leased.length === 0) {
			return;
		}
		for (const { id } of leased) {
			this.#inHand.add(id);
		}
		const contacts = this.#contactsOf(leased);
		for (const [index, one] of leased.entries()) {
			const contact = contacts.then(
				(all) => all[index] ?? null,
				async (error) => {
					if (isTransient(error)) {
						throw error;
					}
					// The error may concern another message of the batch.
					return (await this.#contactsOf([one]))[0] ?? null;
				},
			);
			void this.#send(lease, one, contact).finally(() => {
				this.#inHand.delete(one.id);
				if (this.#isFull && this.#inHand.size <= IN_HAND_MAX / 2) {
					this.wake();
				}
			});
		}
	}

	/**
	 * Returns the current contact data of the users; for warnings, the address at the time of the event. Tokens are
	 * created for the messages and not stored. Waits for users where it is not there yet, as during a start: that is no
	 * failure of a message.
	 */
	async #contactsOf(leased: Leased[]): Promise<(Contact | null)[]> {
		const of = leased.map(({ user_id, data: { name, occurred_at } }) => {
			const { token_for, warns } = messageOf(name) ?? {};
			return { id: user_id, token_for, at: warns && occurred_at };
		});
		for (;;) {
			try {
				return await callAction(this.#means.broker, "v1.users.contacts", { of });
			} catch (error) {
				const isMissing =
					error instanceof Errors.ServiceNotFoundError || error instanceof Errors.ServiceNotAvailableError;
				if (!isMissing || this.#isStopping) {
					throw error;
				}
				this.#warn(error);
				await wait(PAUSE_MS);
			}
		}
	}

	/** Sends a message, or records why it could not be sent. */
	async #send(lease: number, message: Leased, contact: Promise<Contact | null>): Promise<void> {
		const tried: { recipient: string | null; subject: string | null } = { recipient: null, subject: null };
		try {
			const found = await contact;
			if (message.is_tentative && !found?.phone) {
				await this.#drop({ lease, id: message.id });
				return;
			}
			if (!found) {
				throw problem("USER_NOT_FOUND");
			}
			await this.#deliver(lease, message, found, tried);
			this.#failure.succeeded();
		} catch (error) {
			await this.#fail(lease, message, error as Error, tried);
		}
	}

	async #deliver(
		lease: number,
		{ id, data: event }: Leased,
		{ email, phone, locale, token, full_name, is_verified }: Contact,
		tried: { recipient: string | null; subject: string | null },
	): Promise<void> {
		const { channel } = this;
		const { name, data, occurred_at } = event;
		if (!messageOf(name)) {
			throw new Error(`there is no message for ${name} in this version of Toko`);
		}
		const to = channel === "sms" ? phone : email;
		if (!to || !hasChannel(channel)) {
			throw new Refused(to ? `there is no way to send an ${channel}` : "the user has no phone any more");
		}
		const reader = { name: full_name, is_verified, locale, token };
		const written = await this.#means.templates.write(channel, name, reader, { ...data, occurred_at });
		tried.recipient = to;
		tried.subject = written.subject ?? null;
		await this.#means.sender.send(lease, channel, { ...written, id, to });
	}

	async #fail(lease: number, message: Leased, error: Error, tried: Pick<Failure, "recipient" | "subject">) {
		const reason = withoutAddresses(error.message);
		const outcome = outcomeOf(message, error);
		if (outcome === "again") {
			this.#warn(reason);
		}
		await this.#note({ lease, failure: { id: message.id, ...tried, reason, outcome } });
		if (outcome === "final") {
			countFailedMessage(this.#means.broker, this.channel, messageOf(message.data.name)?.type ?? "unknown");
		}
	}

	/** Batched, because an unavailable server fails all messages in progress. */
	#noteTogether = batched<{ lease: number; failure: Failure }, void>(async (noted) => {
		for (const [lease, some] of Map.groupBy(noted, ({ lease }) => lease)) {
			await noteFailures(
				this.#means.pool,
				lease,
				some.map(({ failure }) => failure),
			);
		}
		return noted.map(() => undefined);
	});

	#note(noted: { lease: number; failure: Failure }): Promise<void> {
		return this.#untilDone(() => this.#noteTogether(noted));
	}

	#dropTogether = batched<{ lease: number; id: string }, void>(async (dropped) => {
		for (const [lease, some] of Map.groupBy(dropped, ({ lease }) => lease)) {
			await dropTentative(
				this.#means.pool,
				lease,
				some.map(({ id }) => id),
			);
		}
		return dropped.map(() => undefined);
	});

	#drop(dropped: { lease: number; id: string }): Promise<void> {
		return this.#untilDone(() => this.#dropTogether(dropped));
	}

	/**
	 * Retries until the write succeeds: otherwise the message would stay leased as long as this process lives. During a
	 * shutdown, the worker returns it to the queue.
	 */
	async #untilDone(write: () => Promise<void>): Promise<void> {
		while (!this.#isStopping) {
			try {
				await write();
				return;
			} catch (error) {
				this.#warn(error);
				await wait(PAUSE_MS);
			}
		}
	}

	/** Logs why messages wait, unless it has been logged. */
	#warn(reason: unknown): void {
		if (!this.#isStopping) {
			this.#failure.failed(reason);
		}
	}
}

/** Returns undefined for a row that a later version has queued. */
function messageOf(name: string): Message | undefined {
	return MESSAGES[name as keyof typeof MESSAGES];
}

/** Decides whether a failed message is retried. */
function outcomeOf({ history, created_at, is_tentative }: Leased, error: Error): Failure["outcome"] {
	if (problemCode(error) === "USER_NOT_FOUND") {
		return "gone";
	}
	const queued_at = history.findLast(({ status }) => status === "queued")?.at ?? created_at;
	const isLate = Date.now() - Date.parse(queued_at) > GIVE_UP_MS;
	return error instanceof Refused || (isLate && !is_tentative) ? "final" : "again";
}

/** Removes addresses from a server's response, which is stored and logged. */
function withoutAddresses(reason: string): string {
	return reason.replace(/[^\s<>"'(),:;]+@[^\s<>"'(),:;]+/g, "<address>");
}
