import type { EventName } from "../../contracts/actions.ts";
import type { Publisher } from "../../contracts/services.ts";
import type { EventRef } from "../../events/outbox-rows.ts";

/** A document and what is wrong with it. */
export interface Finding {
	document: string;
	what: string;
	/** Reservation whose hold can be settled safely, according to its order. */
	reservation_id?: string;
	/** Product whose ledger can be corrected to match the units supplied. */
	product_id?: string;
	/** Events that can be published again. */
	events?: LostEvent[];
}

/** An event that was never processed, identified by its outbox database, aggregate and sequence. */
export interface LostEvent extends EventRef {
	database: Publisher;
}

/** Result of one check. */
export interface CheckResult {
	check: string;
	/** Instructions to fix the findings, in one sentence. */
	remedy: string;
	/** Number of documents checked. */
	checked: number;
	/** Number of documents still being processed, which is not a breach. */
	in_progress: number;
	findings: Finding[];
	/** Documents that changed between all reads, so that they could not be checked. */
	not_judged?: string[];
}

/** Number of messages of one type for one aggregate. */
export interface MessageCount extends Record<string, unknown> {
	aggregate: string;
	type: string;
	/** Number of mails only; whether a user also gets text messages depends on their phone number. */
	mails: number;
	texts: number;
	queued: number;
	/** Latest scheduled send time as text, if it is later than any retry; otherwise null. */
	put_off_to: string | null;
	user_ids: number[];
}

/** Number of events by name. */
export type EventCounts = Partial<Record<EventName, number>>;

/** An aggregate such as `order:<id>`, with the number of events that it must have published, by name. */
export interface AggregateEvents {
	key: number | string;
	aggregate: string;
	document: string;
	/** Id of the owner. */
	user_id: number;
	happened: EventCounts;
	/** Number of those events that are recent enough for their messages to be retained, by name. */
	recent: EventCounts;
	/** Number of the earliest events that are so old that their row in an inbox may have been pruned. */
	forgotten: number;
	/** Number of events published, counted in the same transaction as the change. */
	published: number;
	/**
	 * Number of published events lost when the database was restored from an older backup. They do not appear in
	 * `happened`.
	 */
	lost: number;
	/** Sequences of events in the outbox that are not published: pending or refused. */
	in_outbox: number[];
}
