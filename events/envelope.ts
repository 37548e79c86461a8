import { createHash } from "node:crypto";
import { STREAM_KEPT_DAYS } from "../config/retention.ts";
import { settings } from "../config/settings.ts";
import type { EventData, EventEnvelope, EventName } from "../contracts/actions.ts";
import { events as eventContracts } from "../contracts/actions.ts";
import type { AggregateKind } from "../contracts/services.ts";

/** Subject of all events, below the shop's namespace. */
export const ALL_EVENTS = "events.>";

/** Returns the channel of an event: `order.placed` is sent to `events.order.placed` below the shop's namespace. */
export function channelOf(name: EventName): string {
	return `events.${name}`;
}

/**
 * Entity that an event is about, such as `order:<id>`. The events of an aggregate are numbered and keep their order.
 */
export type Aggregate = `${AggregateKind}:${string | number}`;

/** Returns the id of an event from its aggregate and its number there, as the outbox assigns it. */
export function eventId(aggregate: string, sequence: number): string {
	const digest = createHash("md5").update(`${aggregate}#${sequence}`).digest("hex");
	return digest.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}

/** Time after which NATS redelivers an event, unless its process reports that it is working on it. */
export const ACK_WAIT_MS = 3000;

const SECOND_NS = 1_000_000_000;

/** Returns the configuration of the shop's only stream, which stores events until every group has handled them. */
export function streamConfig() {
	return {
		name: `${settings.namespace}_events`,
		subjects: [`${settings.namespace}.${ALL_EVENTS}`],
		// JetStream forgets message ids after this time; the inbox of a consumer never does.
		duplicate_window: 10 * 60 * SECOND_NS,
		// A group that was offline for longer than this has lost events; one that is online gets them within moments.
		max_age: STREAM_KEPT_DAYS * 24 * 3600 * SECOND_NS,
		num_replicas: settings.eventReplicas,
	};
}

/** Error of a message in the stream that is no event of a contract. */
export class NotAnEvent extends Error {
	override name = "NotAnEvent";
}

/** Upper bound that no aggregate's number of events reaches. */
const SEQUENCE_MAX = 100_000;

/** Reports whether these are an aggregate and the number of one of its events. */
export function isEventRef(aggregate: unknown, sequence: unknown): boolean {
	return (
		typeof aggregate === "string" &&
		/^[a-z]+:[\w-]{1,100}$/.test(aggregate) &&
		Number.isSafeInteger(sequence) &&
		(sequence as number) >= 1 &&
		(sequence as number) <= SEQUENCE_MAX
	);
}

/** Reports whether a contract defines an event of this name. */
export function isKnownEvent(name: unknown): name is EventName {
	return typeof name === "string" && Object.hasOwn(eventContracts, name);
}

/** Reports whether a contract defines an event of this name and version. */
export function isInContract(name: unknown, version: unknown): name is EventName {
	return isKnownEvent(name) && eventContracts[name].version === version;
}

/** Describes an event that no contract defines. */
export function notInContract({ name, version }: { name: unknown; version: unknown }): string {
	return `${JSON.stringify(name)} in version ${version} is not in any contract`;
}

/**
 * Parses an event by its contract.
 *
 * @throws NotAnEvent
 */
export function readEvent(value: unknown): EventEnvelope {
	const event = value as EventEnvelope;
	if (typeof event?.id !== "string" || !isEventRef(event.aggregate, event.sequence)) {
		throw new NotAnEvent("it has no id, aggregate and sequence");
	}
	if (!isInContract(event.name, event.version)) {
		throw new NotAnEvent(notInContract(event));
	}
	const data = eventContracts[event.name].data.safeParse(event.data);
	if (!data.success) {
		const [issue] = data.error.issues;
		throw new NotAnEvent(
			`its data does not match the contract of ${event.name}: ${issue?.path.join(".")} ${issue?.message}`,
		);
	}
	return { ...event, data: data.data as EventData<EventName> };
}
