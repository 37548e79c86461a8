import type { EventContract } from "../../contracts/contract.ts";
import { contracts } from "../../contracts/services.ts";
import { document, table, WRITTEN } from "./markdown.ts";
import { fieldTable, Types } from "./types.ts";

const INTRODUCTION = `Every event of the shop, from the contracts in \`contracts/\`. A service writes an event to its outbox in the transaction
that the event describes; after the commit it is published to JetStream. An event can be delivered more than once. Types
are written as in [actions.md](actions.md), which describes those with a name. An event is a JSON object:`;

const ENVELOPE = table(
	["field", "meaning"],
	[
		["`id`", "UUID of the event, the same for every delivery"],
		["`name`, `version`", "name and version of its contract"],
		["`aggregate`", "the aggregate that it happened to, such as `order:<id>` or `user:<id>`"],
		["`sequence`", "position among the events of the aggregate, from 1, in the order of their commits"],
		["`occurred_at`", "time, ISO 8601 in UTC"],
		["`data`", "as below"],
	],
);

/** Generates docs/reference/events.md, events by publishing service, from their contracts. */
export function eventsReference(): string {
	return document(
		WRITTEN,
		"# Events",
		INTRODUCTION,
		ENVELOPE,
		...contracts.flatMap((one) => ("publishes" in one ? section(one.name, one.publishes.events) : [])),
	);
}

function section(service: string, events: Record<string, EventContract>): string[] {
	return [
		`## Published by ${service}`,
		...Object.entries(events).flatMap(([name, { summary, version, data }]) => {
			const fields = fieldTable(new Types().read(data, "output"));
			return [`### ${name}`, `${summary} Version ${version}.`, fields];
		}),
	];
}
