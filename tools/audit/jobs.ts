import { type Database, databases } from "../../contracts/services.ts";
import { asUuid, type Snapshot } from "../../database/audit.ts";
import { WORKER_LOCK } from "../../mixins/jobs.ts";
import { runCheck } from "./check.ts";
import type { CheckResult } from "./finding.ts";
import type { Sources } from "./snapshot.ts";

/** SQL: the jobs as `j`. A payload that is not valid jsonb reads as an empty object. */
export const JOBS = `(
	SELECT one.id, t.identifier AS task, one.key, one.run_at, one.attempts, one.max_attempts, one.last_error,
		one.locked_at, one.locked_by,
		CASE WHEN pg_input_is_valid(one.payload::text, 'jsonb') THEN one.payload ELSE '{}' END AS payload
	FROM graphile_worker._private_jobs one JOIN graphile_worker._private_tasks t ON t.id = one.task_id
) AS j`;

/**
 * SQL condition: job `j` is scheduled too far ahead. Toko schedules jobs at most 30 seconds ahead, and failed jobs are
 * retried after e^attempts seconds, at most e^10 (the backoff of graphile-worker).
 */
export const IS_POSTPONED = `(j.run_at > now() + interval '5 minutes'
	+ CASE WHEN j.last_error IS NULL THEN interval '0' ELSE make_interval(secs => exp(least(j.attempts, 10))) END)`;

/** Upper bound of the time that a job takes. */
const LONGEST_JOB = "5 hours";

/**
 * SQL condition: job `j` is locked but no worker runs it. Live workers release orphaned jobs within seconds, so an old
 * lock counts only while a worker is connected. A lock time in the future never expires.
 */
export const IS_STUCK = `(j.locked_at IS NOT NULL AND (
	j.locked_at > now() + interval '5 minutes'
	OR j.locked_at < now() - interval '${LONGEST_JOB}' AND EXISTS (
		SELECT FROM pg_locks WHERE locktype = 'advisory' AND granted AND classid = ${WORKER_LOCK}::oid
			AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
	)
))`;

const IS_GIVEN_UP = "j.attempts >= j.max_attempts";
/** A given-up job without a key was replaced or removed while it was running. */
const IS_WANTED = `(NOT ${IS_GIVEN_UP} OR j.key IS NOT NULL)`;

/** Every job is done in the end, and does what its key says. */
export async function checkJobs(sources: Sources): Promise<CheckResult[]> {
	const results: CheckResult[] = [];
	for (const database of databases) {
		results.push(
			await sources.snapshot(database, (query) =>
				runCheck(query, {
					check: "no job is stuck",
					remedy:
						"Fix the cause that the error names, unlock locked jobs by `SELECT graphile_worker.force_unlock_workers(ARRAY['<locked_by>'])`, then `SELECT graphile_worker.reschedule_jobs(ARRAY[<id>], run_at => now(), attempts => 0)`.",
					count: `SELECT count(*)::integer AS rows FROM ${JOBS} WHERE ${IS_WANTED}`,
					in_progress: `SELECT count(*)::integer AS rows FROM ${JOBS} WHERE j.run_at <= now() AND NOT ${IS_GIVEN_UP}`,
					breaches: breachesIn(database),
				}),
			),
		);
	}
	const keyed = await sources.snapshot("orders", payloads);
	const [first] = results as [CheckResult, ...CheckResult[]];
	const givenUp = {
		...{ check: first.check, remedy: first.remedy },
		checked: results.reduce((sum, { checked }) => sum + checked, 0),
		in_progress: results.reduce((sum, { in_progress }) => sum + in_progress, 0),
		findings: results.flatMap(({ findings }) => findings),
	};
	return [givenUp, keyed];
}

function breachesIn(database: Database): string {
	const job = `'job ' || j.id || ' of ${database}'`;
	return `SELECT ${job}, j.task || ' failed permanently: ' || coalesce(j.last_error, 'no reason given')
		FROM ${JOBS} WHERE ${IS_WANTED} AND ${IS_GIVEN_UP}
		UNION ALL
		SELECT ${job}, j.task || ' is postponed to ' || (j.run_at AT TIME ZONE 'UTC')::text
		FROM ${JOBS} WHERE NOT ${IS_GIVEN_UP} AND ${IS_POSTPONED}
		UNION ALL
		SELECT ${job}, j.task || ' is locked since ' || (j.locked_at AT TIME ZONE 'UTC')::text || ' by ' || coalesce(j.locked_by, 'nobody')
			|| ', but no worker runs it'
		FROM ${JOBS} WHERE ${IS_STUCK}
		UNION ALL
		SELECT 'sweep ' || identifier || ' of ${database}',
			'last started at ' || last_execution || ', which is in the future: until then it does not run'
		FROM graphile_worker._private_known_crontabs WHERE last_execution > now() + interval '1 day'`;
}

/** Tasks of orders that run once for each reference in their key. Failed ones are retried until they succeed. */
const KEYED = [
	["refund_payment", "refund", "reference"],
	["restock_order", "restock", "order_id"],
	["pay_refund", "pay_refund", "refund_id"],
	["restock_refund", "restock_refund", "refund_id"],
	["release_stock", "stock", "reservation_id"],
	["consume_stock", "stock", "reservation_id"],
] as const;
const TRIED_MAX = 32_767;
const TASKS = [
	...KEYED.map(([task]) => task),
	...["forget_deleted_users", "forget_old_keys", "publish_event"],
];

/**
 * Checks that the jobs of orders match their keys. A job replaced by a newer one with the same key has no attempts
 * left. A job that was done but not removed because its process was killed has no effect.
 */
function payloads(query: Snapshot): Promise<CheckResult> {
	const values = KEYED.map(([task, prefix, field]) => `('${task}', '${prefix}:', '${field}')`).join(", ");
	const keyed = `${JOBS} JOIN (VALUES ${values}) AS keyed (name, prefix, field)`;
	return runCheck(query, {
		check: "a job matches its key",
		remedy:
			"The job was added or changed by hand: remove it by `SELECT graphile_worker.complete_jobs(ARRAY[<id>])`, and add the correct one if the audit then reports it as missing.",
		count: `SELECT count(*)::integer AS rows FROM ${JOBS}`,
		breaches: `SELECT 'job ' || j.id || ' of orders',
				j.task || ' has the key ' || coalesce(j.key, '(none)') || ', but its payload names ' || coalesce(j.payload->>field, 'nothing')
			FROM ${keyed} ON j.task = name WHERE NOT ${IS_GIVEN_UP} AND j.key IS DISTINCT FROM prefix || (j.payload->>field)
			UNION ALL
			SELECT 'job ' || j.id || ' of orders', j.task || ' has the key ' || j.key || ', which belongs to ' || string_agg(name, ' or ')
			FROM ${keyed} ON starts_with(j.key, prefix) GROUP BY j.id, j.task, j.key HAVING NOT j.task = ANY (array_agg(name))
			UNION ALL
			SELECT 'job ' || j.id || ' of orders', j.task || ' is limited to ' || j.max_attempts || ' tries, but must be retried until it succeeds'
			FROM ${keyed} ON j.task = name WHERE j.max_attempts < ${TRIED_MAX}
			UNION ALL
			SELECT 'job ' || j.id || ' of orders', j.task || ' is not a task of orders' FROM ${JOBS} WHERE NOT j.task = ANY ($1)
			UNION ALL
			SELECT 'job ' || j.id || ' of orders', 'refunds payment ' || p.reference || ', which is ' || p.status
			FROM ${JOBS} JOIN payments p ON p.reference = j.payload->>'reference'
			WHERE j.task = 'refund_payment' AND p.status NOT IN ('refunding', 'refunded')
			UNION ALL
			SELECT 'job ' || j.id || ' of orders', 'restocks order ' || o.number || ', which is ' || o.status
			FROM ${JOBS} JOIN orders o ON o.id = ${asUuid("j.payload->>'order_id'")} WHERE j.task = 'restock_order' AND NOT o.restocked
			UNION ALL
			SELECT 'job ' || j.id || ' of orders', 'restocks refund ' || r.id || ', whose units stay away'
			FROM ${JOBS} JOIN refunds r ON r.id = ${asUuid("j.payload->>'refund_id'")}
			WHERE j.task = 'restock_refund' AND (r.is_whole OR NOT r.restock)
			UNION ALL
			SELECT 'job ' || j.id || ' of orders', 'pays refund ' || r.id || ', which belongs to the whole payment ' || r.payment_reference
			FROM ${JOBS} JOIN refunds r ON r.id = ${asUuid("j.payload->>'refund_id'")} WHERE j.task = 'pay_refund' AND r.is_whole
			UNION ALL
			SELECT 'job ' || j.id || ' of orders', j.task || ' belongs to order ' || o.number || ', which is ' || o.status
			FROM ${JOBS} JOIN reservations r ON r.id = ${asUuid("j.payload->>'reservation_id'")} JOIN orders o ON o.id = r.order_id
			WHERE j.task = 'consume_stock' AND o.status IN ('pending', 'cancelled', 'expired')`,
		values: [TASKS],
	});
}
