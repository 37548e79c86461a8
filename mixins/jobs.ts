import "../config/environment.ts";

import { EventEmitter, once } from "node:events";
import { setTimeout as wait } from "node:timers/promises";
import { Logger, type Runner, run, type TaskList, type WorkerEvents } from "graphile-worker";
import type { ServiceSchema } from "moleculer";
import type pg from "pg";
import { mixin } from "../broker/schema.ts";
import { databaseUrl } from "../config/settings.ts";
import { HEARTBEAT_SESSION, PostgresClient } from "../database/postgres-client.ts";
import type { PostgresService } from "../database/postgres-service.ts";
import { isRequestId, logAs } from "../observability/log-context.ts";
import { jobsOldest, jobsPending } from "../observability/metrics.ts";
import { oncePerScrape } from "../observability/registry.ts";
import { inSpan, parseTraceparent } from "../observability/tracing.ts";
import { gauges } from "./gauges.ts";
import { JOBS_SCHEMA } from "./postgres.ts";

// graphile-worker (0.18.0) prints the stack of each lost connection by console.trace; its one-line warning is enough.
const { trace } = console;
console.trace = (...data: unknown[]) => {
	if (!new Error().stack?.includes("graphile-worker")) {
		trace(...data);
	}
};

/** Members that the `jobs` mixin adds to a service. */
export interface JobsService extends PostgresService {
	tasks: TaskList;
	/** Adds the tasks of another mixin or of the service itself. Call it in `created`. */
	addTasks(tasks: TaskList): void;
	/** Adds a periodic task: minute, hour, day, month, weekday, task (UTC). Call it in `created`. */
	addCron(line: string): void;
	cron: string[];
	worker?: Worker;
}

/** Maximum backoff before a failed job is retried; longer after many failures. */
const BACKOFF_MAX_SECONDS = 30;
const MANY_FAILURES = 30;
const BACKOFF_MANY_SECONDS = 180;
const HOUSEKEEPING_MS = 2000;
/** Time limit for a query, after which the session counts as lost; PostgreSQL ends it a little later. */
const HOUSEKEEPING_MAX_MS = 5000;
/** Maximum number of concurrent jobs per process. */
const CONCURRENCY = 4;
/** Interval at which each worker polls for due jobs. PostgreSQL signals new jobs that are due at once. */
const POLL_MS = 5000;
/** Namespace of the workers' advisory locks in a database. */
export const WORKER_LOCK = 7_706_560;

/**
 * Jobs in the service's own database by graphile-worker. A job is a row, added in the transaction that needs it, and
 * retried until done. The jobs of a process that dies or freezes go to other processes within seconds.
 */
export function jobs(database: string): Partial<ServiceSchema> {
	return mixin<JobsService>({
		mixins: [
			gauges<JobsService>(function () {
				const due = oncePerScrape(() => dueJobs(this.pool));
				const labels = { service: this.name };
				return [
					jobsPending.add(async () => [[labels, (await due()).jobs]]),
					jobsOldest.add(async () => [[labels, (await due()).seconds]]),
				];
			}),
		],
		created(this: JobsService) {
			this.tasks = {};
			this.cron = [];
		},
		methods: {
			addCron(this: JobsService, line: string) {
				this.cron.push(line);
			},
			addTasks(this: JobsService, tasks: TaskList) {
				Object.assign(this.tasks, tasks);
			},
		},
		async started(this: JobsService) {
			this.worker = new Worker(database, this);
			await this.worker.start();
		},
		async stopped(this: JobsService) {
			await this.worker?.stop();
		},
	});
}

/** Returns the number of due jobs, and the time for which the oldest has been due. */
async function dueJobs(pool: pg.Pool): Promise<{ jobs: number; seconds: number }> {
	const { rows } = await pool.query<{ jobs: number; seconds: number }>(
		`SELECT count(*)::integer AS jobs, coalesce(extract(epoch FROM now() - min(run_at)), 0)::float8 AS seconds
		FROM graphile_worker.jobs WHERE run_at <= now() AND locked_at IS NULL`,
	);
	return rows[0] as { jobs: number; seconds: number };
}

/** An outstanding event or job of a service's database. */
export interface PendingJob {
	task: string;
	attempts: number;
	run_at: string;
	last_error: string | null;
}

/** Returns the jobs of a database that are due or have failed, oldest first, at most 100. */
export async function pendingJobs(pool: pg.Pool): Promise<PendingJob[]> {
	const { rows } = await pool.query<Omit<PendingJob, "run_at"> & { run_at: Date }>(
		`SELECT task_identifier AS task, attempts, run_at, last_error
		FROM graphile_worker.jobs WHERE run_at <= now() OR attempts > 0 ORDER BY run_at, id LIMIT 100`,
	);
	return rows.map((row) => ({ ...row, run_at: row.run_at.toISOString() }));
}

/**
 * Runs jobs until it is stopped, across restarts of the server. Each worker pool holds an advisory lock, which
 * PostgreSQL drops when the process dies or is frozen; housekeeping of any process releases jobs of pools without such
 * a lock. (graphile-worker alone waits four hours.) A pool whose connection broke while it was given a job does not
 * know of that job; the pool is replaced and its lock released, since no other process would run the job.
 */
class Worker {
	#database: string;
	#service: JobsService;
	#stopping = false;
	#runner: Runner | undefined;
	#session: pg.Client | undefined;
	#announced = new Set<string>();
	#running = Promise.resolve();
	#housekeeping: NodeJS.Timeout | undefined;
	#queue = Promise.resolve();

	constructor(database: string, service: JobsService) {
		this.#database = database;
		this.#service = service;
	}

	async start(): Promise<void> {
		await this.#enqueue((session) => this.#housekeep(session));
		this.#housekeeping = setInterval(
			() => this.#enqueue((session) => this.#housekeep(session)),
			HOUSEKEEPING_MS,
		);
		this.#running = this.#run();
	}

	/** Finishes the jobs in flight, then closes the session. */
	async stop(): Promise<void> {
		this.#stopping = true;
		clearInterval(this.#housekeeping);
		await this.#queue;
		this.#stopRunner();
		await this.#running;
		// A pool that was created meanwhile has queued a query, perhaps in a new session.
		await this.#queue;
		await this.#session?.end().catch(() => undefined);
	}

	async #run(): Promise<void> {
		while (!this.#stopping) {
			const pools: string[] = [];
			const over = new AbortController();
			try {
				const events = new EventEmitter() as WorkerEvents;
				events.on("pool:create", ({ workerPool }) => {
					pools.push(workerPool.id);
					this.#announce(workerPool.id);
				});
				events.once("worker:getJob:error", () => setImmediate(() => this.#stopRunner()));
				const ended = endOfJobs(events, over.signal);
				this.#runner = await run({
					pgPool: this.#service.pool,
					schema: JOBS_SCHEMA,
					taskList: traced(this.#service.tasks),
					crontab: this.#service.cron.join("\n"),
					concurrency: CONCURRENCY,
					noHandleSignals: true,
					pollInterval: POLL_MS,
					// With batching, a failure to write the outcome of a job ends the process; without it, only the pool.
					preset: { worker: { completeJobBatchDelay: 0, failJobBatchDelay: 0 } },
					events,
					logger: quietLogger(this.#service),
				});
				if (this.#stopping) {
					this.#stopRunner();
				}
				await Promise.race([this.#runner.promise, ended]);
			} catch (error) {
				if (!this.#stopping) {
					this.#service.logger.warn(`Jobs stopped, restarting: ${(error as Error).message}`);
				}
			} finally {
				over.abort();
			}
			// During shutdown, the end of the session releases the locks.
			if (!this.#stopping) {
				for (const pool of pools) {
					this.#releaseLock(pool);
				}
				await wait(RESTART_DELAY_MS);
			}
		}
	}

	/** Stops the pool after its jobs in flight. Its promise is not awaited: see endOfJobs. */
	#stopRunner(): void {
		this.#runner?.stop().catch(() => undefined);
	}

	/** Releases the lock of a pool. The pool is removed first, so that a new session does not take the lock again. */
	#releaseLock(poolId: string): void {
		this.#announced.delete(poolId);
		this.#enqueue((session) =>
			session.query("SELECT pg_advisory_unlock_shared($1, hashtext($2))", [WORKER_LOCK, poolId]),
		);
	}

	#announce(poolId: string): void {
		this.#announced.add(poolId);
		this.#enqueue((session) => session.query(ANNOUNCE, [WORKER_LOCK, poolId]));
	}

	async #housekeep(session: pg.Client): Promise<void> {
		await session.query(HOUSEKEEPING, [WORKER_LOCK]);
	}

	/** Runs queries on the session one after the other. A failure is logged, and the next query opens a new session. */
	#enqueue(work: (session: pg.Client) => Promise<unknown>): Promise<void> {
		this.#queue = this.#queue
			.then(async () => {
				await work(await this.#openSession());
			})
			.catch((error: Error) => {
				if (!this.#stopping) {
					this.#service.logger.warn(`Housekeeping of jobs failed: ${error.message}`);
				}
			});
		return this.#queue;
	}

	async #openSession(): Promise<pg.Client> {
		if (this.#session) {
			return this.#session;
		}
		const session = new PostgresClient({
			connectionString: databaseUrl(this.#database),
			application_name: `toko ${this.#database} workers`,
			// Housekeeping runs every two seconds; once it stops, other processes get this one's jobs.
			session: HEARTBEAT_SESSION,
			query_timeout: HOUSEKEEPING_MAX_MS,
		});
		const drop = () => {
			if (this.#session === session) {
				this.#session = undefined;
			}
		};
		session.on("error", drop);
		session.on("end", drop);
		await session.connect();
		try {
			for (const poolId of this.#announced) {
				await session.query(ANNOUNCE, [WORKER_LOCK, poolId]);
			}
		} catch (error) {
			session.end().catch(() => undefined);
			throw error;
		}
		this.#session = session;
		return session;
	}
}

/**
 * Returns tasks whose jobs are spans, and whose lines in the log name the request: parts of the work that has added them, if their
 * payload has its trace context and request.
 */
function traced(tasks: TaskList): TaskList {
	return Object.fromEntries(
		Object.entries(tasks).map(([name, task]) => [
			name,
			(payload, helpers) => {
				const { traceparent, request_id } = (payload ?? {}) as {
					traceparent?: unknown;
					request_id?: unknown;
				};
				const parent = parseTraceparent(traceparent);
				const requestID = isRequestId(request_id) ? request_id : undefined;
				const links = parent ? [parent] : [];
				const run = async () => task?.(payload as never, helpers);
				return logAs({ requestID, trace: parent }, () =>
					inSpan(parent, { name: `run ${name}`, kind: "consumer", links }, run),
				);
			},
		]),
	);
}

/** Interval before a new worker pool starts. */
const RESTART_DELAY_MS = 500;
/** Time limit for writing the outcome of the last jobs. */
const FLUSH_MS = 1000;

const POOL_ENDS = [
	"pool:gracefulShutdown:complete",
	"pool:gracefulShutdown:error",
	"pool:forcefulShutdown:complete",
	"pool:forcefulShutdown:error",
] as const;

/**
 * Resolves some time after a pool's workers have ended, even if the pool itself still waits: after a failure to write
 * the outcome of a job, its own promise may never resolve (seen in 0.18.0: `batch()` counts wrong after a failure).
 *
 * @param signal Resolves the promise at once: a remaining timer would keep a stopped process alive.
 */
function endOfJobs(events: WorkerEvents, signal: AbortSignal): Promise<void> {
	return Promise.race(POOL_ENDS.map((name) => once(events, name, { signal })))
		.then(() => wait(FLUSH_MS, undefined, { signal }))
		.catch(() => undefined);
}

// Shared, since a session that PostgreSQL still considers alive may hold the lock.
const ANNOUNCE = "SELECT pg_advisory_lock_shared($1, hashtext($2))";

// After a restart of the server, live processes get some seconds to take their locks again.
const RELEASE_ORPHANED_JOBS = `
	SELECT graphile_worker.force_unlock_workers(array_agg(locked_by))
	FROM (
		SELECT DISTINCT locked_by FROM graphile_worker.jobs
		WHERE locked_by IS NOT NULL AND locked_at < now() - interval '1 second'
	) AS taken
	WHERE pg_postmaster_start_time() < now() - interval '5 seconds' AND NOT EXISTS (
		SELECT FROM pg_locks
		WHERE locktype = 'advisory' AND granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
			AND classid = $1::oid AND objid::bigint = (hashtext(locked_by)::bigint & 4294967295)
	)
	HAVING count(*) > 0`;

// For jobs that have failed more than `from` and at most `to` times.
const capBackoff = (from: number, to: number, seconds: number) => `
	SELECT count(*)
	FROM (
		SELECT array_agg(id) AS ids FROM graphile_worker.jobs
		WHERE attempts > ${from} AND attempts <= ${to} AND attempts < max_attempts AND locked_at IS NULL
			AND last_error IS NOT NULL AND run_at > now() + make_interval(secs => ${seconds} + 1)
	) AS late, LATERAL graphile_worker.reschedule_jobs(late.ids, now() + make_interval(secs => ${seconds}))
	WHERE late.ids IS NOT NULL`;

// If a job fails after a newer job took over its key, or after its removal, graphile-worker leaves it in the table.
const DELETE_REPLACED_JOBS = `
	SELECT count(*)
	FROM (
		SELECT array_agg(id) AS ids FROM graphile_worker.jobs
		WHERE attempts >= max_attempts AND key IS NULL AND locked_at IS NULL
	) AS replaced, LATERAL graphile_worker.complete_jobs(replaced.ids)
	WHERE replaced.ids IS NOT NULL`;

// One statement, since an idle shop runs it every other second.
const HOUSEKEEPING = `
	SELECT (${RELEASE_ORPHANED_JOBS}), (${capBackoff(0, MANY_FAILURES, BACKOFF_MAX_SECONDS)}),
		(${capBackoff(MANY_FAILURES, 32_767, BACKOFF_MANY_SECONDS)}), (${DELETE_REPLACED_JOBS})`;

function quietLogger(service: JobsService): Logger {
	return new Logger(() => (level, message) => {
		if (level === "error" || level === "warning") {
			service.logger.warn(`Jobs: ${message.split("\n", 1)[0]}`);
		}
	});
}
