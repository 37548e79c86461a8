import { createHash } from "node:crypto";
import { settings } from "../config/settings.ts";
import type { EventData, EventEnvelope, EventName } from "../contracts/actions.ts";
import { events as eventContracts } from "../contracts/actions.ts";
import type { AggregateKind } from "../contracts/services.ts";

/** All events, as a consumer subscribes to them below the shop's namespace. */
export const ALL_EVENTS = "events.>";

/** The channel that carries an event: `order.placed` travels as `events.order.placed` below the shop's namespace. */
export function channelOf(name: EventName): string {
	return `events.${name}`;
}

/** What an event is about, such as `order:<id>`: its events are numbered and keep their order. */
export type Aggregate = `${AggregateKind}:${string | number}`;

/** The id of the event with this place among those of its aggregate, as the outbox gives it. */
export function eventId(aggregate: string, sequence: number): string {
	const digest = createHash("md5").update(`${aggregate}#${sequence}`).digest("hex");
	return digest.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}

/** NATS gives an event to another process after this, unless the one that has it says that it is at work. */
export const ACK_WAIT_MS = 3000;

const SECOND_NS = 1_000_000_000;

/** The stream keeps an event so long. */
export const STREAM_KEPT_DAYS = 30;

/** The one stream that keeps the shop's events until every group has them. */
export function streamConfig() {
	return {
		name: `${settings.namespace}_events`,
		subjects: [`${settings.namespace}.${ALL_EVENTS}`],
		// JetStream forgets message ids after this; the inbox of a consumer never does.
		duplicate_window: 10 * 60 * SECOND_NS,
		// A group that was away for longer than this has lost events; whoever is there has them within moments.
		max_age: STREAM_KEPT_DAYS * 24 * 3600 * SECOND_NS,
		num_replicas: settings.eventReplicas,
	};
}

/** Why what came from the stream is no event of a contract. */
export class NotAnEvent extends Error {
	override name = "NotAnEvent";
}

/** More events than anything ever has. */
const SEQUENCE_MAX = 100_000;

/** Whether this is a thing and the number of one of its events. */
export function isPlace(aggregate: unknown, sequence: unknown): boolean {
	return (
		typeof aggregate === "string" &&
		/^[a-z]+:[\w-]{1,100}$/.test(aggregate) &&
		Number.isSafeInteger(sequence) &&
		(sequence as number) >= 1 &&
		(sequence as number) <= SEQUENCE_MAX
	);
}

/** Whether a contract has an event of this name and version. */
export function isInContract(name: unknown, version: unknown): name is EventName {
	return (
		typeof name === "string" &&
		Object.hasOwn(eventContracts, name) &&
		eventContracts[name as EventName].version === version
	);
}

/** Says that no contract has an event. */
export function notInContract({ name, version }: { name: unknown; version: unknown }): string {
	return `${JSON.stringify(name)} in version ${version} is in no contract`;
}

/**
 * An event as its contract describes it.
 *
 * @throws NotAnEvent
 */
export function readEvent(given: unknown): EventEnvelope {
	const event = given as EventEnvelope;
	if (typeof event?.id !== "string" || !isPlace(event.aggregate, event.sequence)) {
		throw new NotAnEvent("it has no id, aggregate and sequence");
	}
	if (!isInContract(event.name, event.version)) {
		throw new NotAnEvent(notInContract(event));
	}
	const data = eventContracts[event.name].data.safeParse(event.data);
	if (!data.success) {
		const [issue] = data.error.issues;
		throw new NotAnEvent(
			`its data has not the form of ${event.name}: ${issue?.path.join(".")} ${issue?.message}`,
		);
	}
	return { ...event, data: data.data as EventData<EventName> };
}
