import type { Pool, PoolClient } from "pg";
import { GAPS_KEPT_DAYS, POSITIONS_KEPT_DAYS, PRUNED_AT_ONCE } from "../config/retention.ts";
import { NEWEST } from "./consistency.ts";

// SQL of the tables `inbox` and `inbox_gaps`.

/** Position of an event relative to the inbox: to be handled now, handled already, or ahead of a missing one. */
export type InboxOutcome = "next" | "taken" | "early";

/** Advances an aggregate's position to an event; with `jump` also over missing events, which may still arrive. */
export async function advance(
	client: PoolClient,
	aggregate: string,
	sequence: number,
	jump: boolean,
): Promise<InboxOutcome> {
	const { rows } = await client.query<{ place: InboxOutcome }>("SELECT advance_inbox($1, $2, $3) AS place", [
		aggregate,
		sequence,
		jump,
	]);
	return (rows[0] as { place: InboxOutcome }).place;
}

/**
 * Advances to many events at once. Returns undefined for each that must be handled alone: see `advance_inbox_together`.
 */
export async function advanceTogether(
	client: PoolClient,
	events: { aggregate: string; sequence: number }[],
): Promise<("next" | "taken" | undefined)[]> {
	const { rows } = await client.query<{ number: number; place: "next" | "taken" }>(
		"SELECT number, place FROM advance_inbox_together($1, $2)",
		[events.map(({ aggregate }) => aggregate), events.map(({ sequence }) => sequence)],
	);
	const outcomes = new Map(rows.map(({ number, place }) => [number, place]));
	return events.map((_, index) => outcomes.get(index + 1));
}

/** Written out, so that the partial indexes of inbox-indexes.sql are usable under any plan. */
const NEWEST_PROCESSED = {
	user: `SELECT aggregate, sequence FROM inbox WHERE starts_with(aggregate, 'user:') ORDER BY taken_at DESC LIMIT ${NEWEST}`,
	order: `SELECT aggregate, sequence FROM inbox WHERE starts_with(aggregate, 'order:') ORDER BY taken_at DESC LIMIT ${NEWEST}`,
};

/** Returns the last handled event of the users or orders that had events most recently. */
export async function newestProcessed(
	pool: Pick<Pool, "query">,
	of: "user" | "order",
): Promise<{ aggregate: string; sequence: number }[]> {
	const { rows } = await pool.query<{ aggregate: string; sequence: number }>(NEWEST_PROCESSED[of]);
	return rows;
}

/** Deletes a batch of expired positions of orders; returns true if there may be more. */
export async function prunePositions(pool: Pick<Pool, "query">): Promise<boolean> {
	const { rowCount } = await pool.query(
		`DELETE FROM inbox WHERE ctid = ANY (ARRAY(
			SELECT ctid FROM inbox
			WHERE starts_with(aggregate, 'order:') AND taken_at < now() - make_interval(days => $1)
			LIMIT $2 FOR UPDATE SKIP LOCKED
		))`,
		[POSITIONS_KEPT_DAYS, PRUNED_AT_ONCE],
	);
	return rowCount === PRUNED_AT_ONCE;
}

/** Deletes a batch of records of skipped events that can no longer arrive; returns true if there may be more. */
export async function pruneGaps(pool: Pick<Pool, "query">): Promise<boolean> {
	const { rowCount } = await pool.query(
		`DELETE FROM inbox_gaps WHERE ctid = ANY (ARRAY(
			SELECT ctid FROM inbox_gaps WHERE passed_at < now() - make_interval(days => $1)
			LIMIT $2 FOR UPDATE SKIP LOCKED
		))`,
		[GAPS_KEPT_DAYS, PRUNED_AT_ONCE],
	);
	return rowCount === PRUNED_AT_ONCE;
}
