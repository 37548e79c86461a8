import type { Pool } from "pg";

/** Result of the latest audit. */
export interface AuditRecord {
	finished_at: Date;
	duration_seconds: number;
	/** Number of breaches by check, of all checks. */
	breaches: Record<string, number>;
}

type Queryable = Pick<Pool, "query">;

/** Time after which a scheduled audit that is not reported to be alive counts as killed. */
const KILLED_AFTER = "1 minute";

/** Records the result of an audit in the database of orders, which reports it as metrics. */
export async function recordAudit(
	pool: Queryable,
	{ duration_seconds, breaches }: Omit<AuditRecord, "finished_at">,
): Promise<void> {
	await pool.query(
		"UPDATE audits SET finished_at = now(), duration_seconds = $1, breaches = $2::text::jsonb",
		[duration_seconds, JSON.stringify(breaches)],
	);
}

/** Returns the result of the latest audit; undefined if there was none. */
export async function latestAudit(pool: Queryable): Promise<AuditRecord | undefined> {
	const { rows } = await pool.query<AuditRecord>(
		"SELECT finished_at, duration_seconds, breaches FROM audits WHERE finished_at IS NOT NULL",
	);
	return rows[0];
}

/**
 * Takes the next scheduled audit, if one is due: the latest one is over for `every_ms`, or its process was killed.
 *
 * @returns Identifies the audit for `keepAudit`, to be called every few seconds, and `releaseAudit`; undefined if none is due, or
 * another process has it.
 */
export async function claimAudit(pool: Queryable, every_ms: number): Promise<string | undefined> {
	const { rows } = await pool.query<{ claim: string }>(
		`UPDATE audits SET started_at = clock_timestamp(), alive_at = clock_timestamp()
		WHERE CASE WHEN alive_at IS NULL
			THEN coalesce(greatest(started_at, finished_at) <= now() - $1 * interval '1 millisecond', true)
			ELSE alive_at < now() - interval '${KILLED_AFTER}'
		END
		RETURNING started_at::text AS claim`,
		[every_ms],
	);
	return rows[0]?.claim;
}

/** Reports that a claimed audit still runs. */
export async function keepAudit(pool: Queryable, claim: string): Promise<void> {
	await pool.query("UPDATE audits SET alive_at = now() WHERE started_at = $1::timestamptz", [claim]);
}

/** Reports that a claimed audit has ended. Returns true if it has recorded a result. */
export async function releaseAudit(pool: Queryable, claim: string): Promise<boolean> {
	const { rows } = await pool.query<{ is_recorded: boolean }>(
		`UPDATE audits SET alive_at = NULL WHERE started_at = $1::timestamptz
		RETURNING coalesce(finished_at >= started_at, false) AS is_recorded`,
		[claim],
	);
	return rows[0]?.is_recorded === true;
}
