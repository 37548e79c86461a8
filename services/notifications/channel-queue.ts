import { setTimeout as wait } from "node:timers/promises";
import { Errors, type ServiceBroker } from "moleculer";
import type { Pool } from "pg";
import { callAction, type ResultOf } from "../../contracts/actions.ts";
import { problemCode } from "../../contracts/problem-codes.ts";
import { problem } from "../../contracts/problems.ts";
import { isTransient } from "../../errors/kinds.ts";
import { type RepeatedFailure, repeatedFailure } from "../../errors/repeated-failure.ts";
import { batched } from "../../load/batching.ts";
import { logAs, sharedRequest, type Work } from "../../observability/log-context.ts";
import { mailDelays, mails } from "../../observability/metrics.ts";
import { parseTraceparent, type SpanContext, withSpans } from "../../observability/tracing.ts";
import { type ChannelName, Interrupted, Refused } from "./channel.ts";
import { type DeliveryProcess, hasChannel } from "./delivery.ts";
import { MESSAGES, type Message } from "./messages.ts";
import {
	dropTentative,
	type Failure,
	findOrphaned,
	type Leased,
	leaseDue,
	recordFailures,
	release,
	releaseAllBut,
} from "./queue.ts";
import type { Templates } from "./templates.ts";

type Contact = NonNullable<ResultOf<"v1.users.contacts">[number]>;

/** Members of the service that a queue uses. */
export interface Dependencies {
	pool: Pool;
	broker: ServiceBroker;
	logger: ServiceBroker["logger"];
	delivery: DeliveryProcess;
	templates: Templates;
}

/** Maximum number of messages of a channel in progress in a process; more are leased once half of them are done. */
const IN_PROGRESS_MAX = 100;
/**
 * Minimum interval between leases of a channel, so that many messages share one. The first one after a pause does not
 * wait.
 */
const LEASE_EVERY_MS = 20;
/** Pause after an error of the database. */
const PAUSE_MS = 500;
/**
 * Time after which a leased message that is not in progress is returned to the queue; the worker may be about to mark
 * it as sent.
 */
const ORPHANED_MS = 5000;
/** Maximum age of a message since it was queued; afterwards, an attempt that fails outside of Toko is the last one. */
const GIVE_UP_MS = 5 * 24 * 3600 * 1000;

/** The queue of one channel, so that a hanging server does not delay other channels. */
export class ChannelQueue {
	readonly channel: ChannelName;
	#dependencies: Dependencies;
	/** Ids of messages that were leased and are neither sent nor returned. */
	#inProgress = new Set<string>();
	/** True if a lost connection may have hidden messages that were leased. */
	#isUnsure = false;
	/** Leased messages that are not in progress, with the time when that was first seen. */
	#orphanedSince = new Map<string, number>();
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

	constructor(channel: ChannelName, dependencies: Dependencies) {
		this.channel = channel;
		this.#dependencies = dependencies;
		this.#failure = repeatedFailure((reason) =>
			dependencies.logger.warn(`Messages by ${channel} are waiting: ${reason}`),
		);
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
	async releaseOrphaned(): Promise<void> {
		const { pool, delivery } = this.#dependencies;
		if (delivery.lease === undefined || this.#isLeasing) {
			return;
		}
		const found = await findOrphaned(pool, delivery.lease, [...this.#inProgress], this.channel);
		const now = performance.now();
		this.#orphanedSince = new Map(found.map((id) => [id, this.#orphanedSince.get(id) ?? now]));
		const due = found.filter((id) => now - (this.#orphanedSince.get(id) ?? now) > ORPHANED_MS);
		if (due.length > 0) {
			await release(pool, delivery.lease, due);
			this.wake();
		}
	}

	async #run(): Promise<void> {
		while (!this.#isStopping) {
			this.#isWoken = false;
			const { lease } = this.#dependencies.delivery;
			const capacity = IN_PROGRESS_MAX - this.#inProgress.size;
			this.#isFull = capacity < IN_PROGRESS_MAX / 2;
			if (lease === undefined || this.#isFull) {
				await this.#woken();
				continue;
			}
			const pause = wait(LEASE_EVERY_MS);
			try {
				await this.#leaseOnce(lease, capacity);
				await pause;
			} catch (error) {
				this.#isUnsure = true;
				this.#warn(error);
				await wait(PAUSE_MS);
			}
		}
	}

	/** Leases due messages. If that were all, waits until it is woken. */
	async #leaseOnce(lease: number, capacity: number): Promise<void> {
		const { pool } = this.#dependencies;
		if (this.#isUnsure) {
			await releaseAllBut(pool, lease, [...this.#inProgress], this.channel);
			this.#isUnsure = false;
		}
		this.#isLeasing = true;
		const leased = await leaseDue(pool, this.channel, lease, capacity).finally(() => {
			this.#isLeasing = false;
		});
		// A message that is still in progress under a lost lease is returned afterwards.
		this.#begin(
			lease,
			leased.filter(({ id }) => !this.#inProgress.has(id)),
		);
		if (leased.length < capacity) {
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
			this.#inProgress.add(id);
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
			void logAs(workOf([one]), () => this.#send(lease, one, contact)).finally(() => {
				this.#inProgress.delete(one.id);
				if (this.#isFull && this.#inProgress.size <= IN_PROGRESS_MAX / 2) {
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
				return await logAs(workOf(leased), () =>
					withSpans(consumersOf(leased), () =>
						callAction(this.#dependencies.broker, "v1.users.contacts", { of }),
					),
				);
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
		const attempted: { recipient: string | null; subject: string | null } = {
			recipient: null,
			subject: null,
		};
		try {
			const found = await contact;
			if (message.is_tentative && !found?.phone) {
				await this.#drop({ lease, id: message.id });
				return;
			}
			if (!found) {
				throw problem("USER_NOT_FOUND");
			}
			await this.#deliver(lease, message, found, attempted);
			this.#count(message, "sent");
			const value = Math.max(0, Date.now() - Date.parse(message.data.occurred_at)) / 1000;
			mailDelays.observe({ labels: { channel: this.channel }, value });
			this.#failure.succeeded();
		} catch (error) {
			await this.#fail(lease, message, error as Error, attempted);
		}
	}

	async #deliver(
		lease: number,
		{ id, data: event }: Leased,
		{ email, phone, locale, token, full_name, is_verified }: Contact,
		attempted: { recipient: string | null; subject: string | null },
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
		const written = await this.#dependencies.templates.write(channel, name, reader, { ...data, occurred_at });
		attempted.recipient = to;
		attempted.subject = written.subject ?? null;
		await this.#dependencies.delivery.send(lease, channel, { ...written, id, to }, event.traceparent);
	}

	async #fail(
		lease: number,
		message: Leased,
		error: Error,
		attempted: Pick<Failure, "recipient" | "subject">,
	) {
		const reason = withoutAddresses(error.message);
		const outcome = outcomeOf(message, error);
		if (outcome === "again") {
			this.#warn(reason);
		}
		await this.#recordFailure({ lease, failure: { id: message.id, ...attempted, reason, outcome } });
		this.#count(message, STATES[outcome]);
	}

	#count({ data: { name } }: Leased, state: string): void {
		mails.inc({ channel: this.channel, type: messageOf(name)?.type ?? "unknown", state });
	}

	/** Batched, because an unavailable server fails all messages in progress. */
	#recordTogether = batched<{ lease: number; failure: Failure }, void>(async (failures) => {
		for (const [lease, group] of Map.groupBy(failures, ({ lease }) => lease)) {
			await recordFailures(
				this.#dependencies.pool,
				lease,
				group.map(({ failure }) => failure),
			);
		}
		return failures.map(() => undefined);
	});

	#recordFailure(failures: { lease: number; failure: Failure }): Promise<void> {
		return this.#untilDone(() => this.#recordTogether(failures));
	}

	#dropTogether = batched<{ lease: number; id: string }, void>(async (dropped) => {
		for (const [lease, group] of Map.groupBy(dropped, ({ lease }) => lease)) {
			await dropTentative(
				this.#dependencies.pool,
				lease,
				group.map(({ id }) => id),
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

/** Returns what the lines of the log belong to while messages are sent. */
function workOf(leased: Leased[]): Work {
	const requestID = sharedRequest(leased.map(({ data }) => data.request_id));
	const [one, ...others] = leased as [Leased, ...Leased[]];
	const { name, id, traceparent } = one.data;
	return others.length > 0
		? { requestID }
		: { requestID, event: name, event_id: id, trace: parseTraceparent(traceparent) };
}

/** Returns the spans of the consumers that have queued these messages. */
function consumersOf(leased: Leased[]): SpanContext[] {
	return leased.flatMap(({ data }) => parseTraceparent(data.traceparent) ?? []);
}

/** States of messages by the outcome of a failure, for the metric. */
const STATES = { again: "retried", final: "failed", gone: "dropped" } as const;

/** Returns undefined for a row that a later version has queued. */
function messageOf(name: string): Message | undefined {
	return MESSAGES[name as keyof typeof MESSAGES];
}

/** Decides whether a failed message is retried. */
export function outcomeOf(
	{ history, created_at, is_tentative }: Pick<Leased, "history" | "created_at" | "is_tentative">,
	error: Error,
): Failure["outcome"] {
	if (problemCode(error) === "USER_NOT_FOUND") {
		return "gone";
	}
	const queued_at = history.findLast(({ status }) => status === "queued")?.at ?? created_at;
	const isLate = Date.now() - Date.parse(queued_at) > GIVE_UP_MS;
	const isOurs = error instanceof Interrupted || isTransient(error);
	return error instanceof Refused || (isLate && !isOurs && !is_tentative) ? "final" : "again";
}

/** Removes addresses from a server's response, which is stored and logged. */
function withoutAddresses(reason: string): string {
	return reason.replace(/[^\s<>"'(),:;]+@[^\s<>"'(),:;]+/g, "<address>");
}
