import type { Look } from "./audit.ts";
import { look } from "./look.ts";
import type { Sources } from "./sources.ts";

/**
 * A condition in SQL: whether job `j` waits far too long. Nothing of Toko plans further ahead than 30 seconds, and what
 * failed is tried again within e^10 seconds (graphile-worker's longest pause).
 */
const IS_PUT_OFF = `j.run_at > now() + CASE WHEN j.attempts = 0 THEN interval '5 minutes' ELSE interval '7 hours' END`;

/** Every job is done in the end: none was given up, and none is put off to when nobody waits for it any more. */
export async function lookAtJobs(sources: Sources): Promise<Look[]> {
	const looks = [];
	for (const database of ["users", "orders", "notifications"] as const) {
		looks.push(
			await sources.snapshot(database, (query) =>
				look(query, {
					check: "no job is given up",
					all: `SELECT count(*)::integer AS rows FROM graphile_worker.jobs WHERE ${IS_WANTED}`,
					under_way: `SELECT count(*)::integer AS rows FROM graphile_worker.jobs
						WHERE run_at <= now() AND attempts < max_attempts`,
					wrong: `SELECT 'job ' || id || ' of ${database}',
						task_identifier || ' was given up: ' || coalesce(last_error, 'it says no reason')
						FROM graphile_worker.jobs WHERE ${IS_WANTED} AND attempts >= max_attempts
						UNION ALL
						SELECT 'job ' || j.id || ' of ${database}',
							j.task_identifier || ' is put off to ' || to_char(j.run_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS')
						FROM graphile_worker.jobs j
						WHERE j.attempts < j.max_attempts AND ${IS_PUT_OFF}`,
				}),
			),
		);
	}
	return [
		{
			check: "no job is given up",
			looked_at: looks.reduce((sum, { looked_at }) => sum + looked_at, 0),
			under_way: looks.reduce((sum, { under_way }) => sum + under_way, 0),
			findings: looks.flatMap(({ findings }) => findings),
		},
	];
}

/** One that has lost its key was replaced or removed while it was under way. */
const IS_WANTED = "(attempts < max_attempts OR key IS NOT NULL)";
