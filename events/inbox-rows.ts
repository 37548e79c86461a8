import type { Pool, PoolClient } from "pg";
import { GAPS_KEPT_DAYS, PLACES_KEPT_DAYS, PRUNED_AT_ONCE } from "../config/retention.ts";
import { NEWEST } from "./consistency.ts";

// The SQL of the tables `inbox` and `inbox_gaps`.

/** Where an event is in the sequence: to be taken now, taken already, or ahead of one that is missing. */
export type Place = "next" | "taken" | "early";

/** Moves on to an event; with `jump` also over some that are missing, which may still come. */
export async function advance(
	client: PoolClient,
	aggregate: string,
	sequence: number,
	jump: boolean,
): Promise<Place> {
	const { rows } = await client.query<{ place: Place }>("SELECT advance_inbox($1, $2, $3) AS place", [
		aggregate,
		sequence,
		jump,
	]);
	return (rows[0] as { place: Place }).place;
}

/** Moves on to many events; answers undefined for each that needs a closer look: see `advance_inbox_together`. */
export async function advanceTogether(
	client: PoolClient,
	events: { aggregate: string; sequence: number }[],
): Promise<("next" | "taken" | undefined)[]> {
	const { rows } = await client.query<{ number: number; place: "next" | "taken" }>(
		"SELECT number, place FROM advance_inbox_together($1, $2)",
		[events.map(({ aggregate }) => aggregate), events.map(({ sequence }) => sequence)],
	);
	const places = new Map(rows.map(({ number, place }) => [number, place]));
	return events.map((_, index) => places.get(index + 1));
}

/** Written out, so that the partial indexes of inbox-indexes.sql serve any plan. */
const NEWEST_TAKEN_IN = {
	user: `SELECT aggregate, sequence FROM inbox WHERE starts_with(aggregate, 'user:') ORDER BY taken_at DESC LIMIT ${NEWEST}`,
	order: `SELECT aggregate, sequence FROM inbox WHERE starts_with(aggregate, 'order:') ORDER BY taken_at DESC LIMIT ${NEWEST}`,
};

/** The places of the last events that were taken in, of the users or orders with the newest ones. */
export async function newestTakenIn(
	pool: Pick<Pool, "query">,
	of: "user" | "order",
): Promise<{ aggregate: string; sequence: number }[]> {
	const { rows } = await pool.query<{ aggregate: string; sequence: number }>(NEWEST_TAKEN_IN[of]);
	return rows;
}

/** Deletes the places of orders of which nothing was heard for long, some at a time; answers whether there are more. */
export async function prunePlaces(pool: Pick<Pool, "query">): Promise<boolean> {
	const { rowCount } = await pool.query(
		`DELETE FROM inbox WHERE ctid = ANY (ARRAY(
			SELECT ctid FROM inbox
			WHERE starts_with(aggregate, 'order:') AND taken_at < now() - make_interval(days => $1)
			LIMIT $2 FOR UPDATE SKIP LOCKED
		))`,
		[PLACES_KEPT_DAYS, PRUNED_AT_ONCE],
	);
	return rowCount === PRUNED_AT_ONCE;
}

/** Deletes notes of events that were passed over and can't come any more; answers whether there are more. */
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
