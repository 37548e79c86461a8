import type { EventName } from "../../contracts/actions.ts";
import type { Publisher } from "../../contracts/services.ts";
import type { Place } from "../../events/outbox-rows.ts";

/** Something that must not be: which document, and what is wrong with it. */
export interface Finding {
	document: string;
	what: string;
	/** A hold that can be settled safely: its order says what becomes of it. */
	reservation_id?: string;
	/** A product whose ledger can be made to account for what was supplied. */
	product_id?: string;
	/** Events that can be sent again. */
	events?: LostEvent[];
}

/** An event that nobody has taken in, by the database of its outbox and its place. */
export interface LostEvent extends Place {
	database: Publisher;
}

/** What one check saw. */
export interface Look {
	check: string;
	/** The cure of its findings, in a sentence. */
	cure: string;
	/** How many documents it looked at. */
	looked_at: number;
	/** How many of them are still being worked on, which is no breach. */
	under_way: number;
	findings: Finding[];
	/** Documents that changed at each look, so that nothing can be said of them. */
	not_judged?: string[];
}

/** The messages of one type about one thing. */
export interface Told extends Record<string, unknown> {
	aggregate: string;
	type: string;
	/** Mails alone: who gets texts too depends on their phone. */
	mails: number;
	texts: number;
	queued: number;
	/** Until when the latest of them is put off, in words, where that is further ahead than any try; null else. */
	put_off_to: string | null;
	user_ids: number[];
}

/** How many events there are of each name. */
export type EventCounts = Partial<Record<EventName, number>>;

/** Something that has events, such as `order:<id>`, with the numbers of those that must have happened. */
export interface Happened {
	key: number | string;
	aggregate: string;
	document: string;
	/** The owner. */
	user_id: number;
	happened: EventCounts;
	/** Those of them that are so young that their messages are still kept. */
	recent: EventCounts;
	/** How many of the first events are so old that their places in an inbox may be gone. */
	forgotten: number;
	/** How many events were published, in the same transactions. */
	published: number;
	/** How many of them were lost when the database was restored from an older copy, and so are no part of `happened`. */
	lost: number;
	/** The sequences of those that the outbox has not published: on their way, or put aside. */
	in_outbox: number[];
}
