import { afterAll, beforeAll, expect, test } from "@jest/globals";
import type { ServiceBroker } from "moleculer";
import pg from "pg";
import { databaseUrl } from "../../config/settings.ts";
import { callAction } from "../../contracts/actions.ts";
import { asService } from "../../middlewares/permissions.ts";
import { type JobsService, jobs } from "../../mixins/jobs.ts";
import { postgres } from "../../mixins/postgres.ts";
import { eventually, startNode } from "./shop.ts";

let broker: ServiceBroker;
let database: pg.Client;

beforeAll(async () => {
	broker = await startNode("orders");
	database = new pg.Client(databaseUrl("orders"));
	await database.connect();
});

afterAll(async () => {
	await database.end();
	await broker.stop();
});

/** Adds a job that cannot succeed, since the products service is unavailable. */
async function addFailingJob(): Promise<string> {
	const { rows } = await database.query<{ id: string }>(
		`SELECT id FROM graphile_worker.add_job('release_stock',
			'{"reservation_id": "00000000-0000-4000-8000-000000000000"}'::json, run_at => now() + interval '1 hour')`,
	);
	return (rows[0] as { id: string }).id;
}

const job = async (id: string) =>
	(await database.query("SELECT locked_by, attempts, run_at FROM graphile_worker.jobs WHERE id = $1", [id]))
		.rows[0];

test("a job of a dead process is taken over by others", async () => {
	const id = await addFailingJob();
	await database.query(
		"UPDATE graphile_worker._private_jobs SET locked_by = 'worker-of-a-dead-process', locked_at = now() - interval '2 seconds' WHERE id = $1",
		[id],
	);
	await eventually("the job to be free again", async () => (await job(id)).locked_by === null);
	await database.query("SELECT graphile_worker.complete_jobs(ARRAY[$1]::bigint[])", [id]);
});

test("a job that a live process was assigned without knowing it is done all the same", async () => {
	const { pool } = broker.getLocalService({ name: "orders", version: 1 }) as unknown as JobsService;
	const connect = pool.connect as (this: pg.Pool, callback?: unknown) => Promise<pg.PoolClient>;
	let isLost = false;
	pool.connect = async function (this: pg.Pool, callback?: unknown) {
		if (callback) {
			return connect.call(this, callback);
		}
		const client = await connect.call(this);
		const query = client.query as (...given: unknown[]) => Promise<pg.QueryResult>;
		client.query = async function (this: pg.PoolClient, ...given: unknown[]) {
			const answer = await query.apply(this, given);
			if (!isLost && answer?.rows?.some(({ key }) => key === "unheard")) {
				isLost = true;
				throw new Error("Connection terminated unexpectedly");
			}
			return answer;
		} as never;
		return client;
	} as never;
	try {
		await database.query("SELECT graphile_worker.add_job('forget_old_keys', job_key => 'unheard')");
		await eventually("the job to be done", async () => {
			const { rows } = await database.query("SELECT 1 FROM graphile_worker.jobs WHERE key = 'unheard'");
			return isLost && rows.length === 0;
		});
	} finally {
		pool.connect = connect as never;
	}
});

test("jobs continue after repeated connection failures", async () => {
	const addJobs = (name: string) =>
		database.query(
			"SELECT count(graphile_worker.add_job('forget_old_keys', job_key => $1 || n)) FROM generate_series(1, 300) AS n",
			[name],
		);
	const left = async (name: string) => {
		const { rows } = await database.query(
			"SELECT count(*)::integer AS jobs FROM graphile_worker.jobs WHERE key LIKE $1 || '%'",
			[name],
		);
		return rows[0].jobs as number;
	};
	for (let round = 0; round < 10; round++) {
		await addJobs(`round-${round}-`);
		await eventually("some jobs to be under way", async () => (await left(`round-${round}-`)) < 300);
		await database.query(
			"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()",
		);
	}
	await eventually("all jobs to be done", async () => (await left("round-")) === 0);
});

test("a job of a live process stays with it", async () => {
	const id = await addFailingJob();
	const worker = new pg.Client(databaseUrl("orders"));
	await worker.connect();
	await worker.query("SELECT pg_advisory_lock(7706560, hashtext('a-living-worker'))");
	const taken = async (locked_by: string, other: string) => {
		await database.query(
			"UPDATE graphile_worker._private_jobs SET locked_by = $2, locked_at = now() - interval '2 seconds' WHERE id = ANY($1)",
			[[id], locked_by],
		);
		// The round that unlocks this other job has checked ours too.
		await database.query(
			"UPDATE graphile_worker._private_jobs SET locked_by = 'dead', locked_at = now() - interval '2 seconds' WHERE id = $1",
			[other],
		);
		await eventually("the other job to be free", async () => (await job(other)).locked_by === null);
		return (await job(id)).locked_by;
	};
	expect(await taken("a-living-worker", await addFailingJob())).toBe("a-living-worker");
	await worker.end();
	await eventually(
		"the job to be free once its worker is gone",
		async () => (await job(id)).locked_by === null,
	);
});

test("a failing job is tried again within half a minute, however often it has failed", async () => {
	const id = await addFailingJob();
	await database.query(
		"UPDATE graphile_worker._private_jobs SET attempts = 9, last_error = 'products is away' WHERE id = $1",
		[id],
	);
	await eventually("an earlier time", async () => (await job(id)).run_at.getTime() < Date.now() + 31_000);
	expect((await job(id)).attempts).toBe(9);
	const listed = await callAction(broker, "v1.orders.outbox", {}, asService());
	expect(listed).toContainEqual(
		expect.objectContaining({ task: "release_stock", attempts: 9, last_error: "products is away" }),
	);
});

test("a job that was replaced while it was under way leaves nothing behind where it fails", async () => {
	const gates: ((error?: Error) => void)[] = [];
	const node = await nodeWithTask(
		"gated",
		() => new Promise<void>((resolve, reject) => gates.push((error) => (error ? reject(error) : resolve()))),
	);
	const add = "SELECT id FROM graphile_worker.add_job('gated', job_key => 'gate', max_attempts => 32767)";
	const { rows } = await database.query<{ id: string }>(add);
	await eventually("the first to be under way", async () => gates.length === 1);
	const { rows: others } = await database.query<{ id: string }>(add);
	await eventually("the second to be under way", async () => gates.length === 2);
	gates[0]?.(new Error("products is away"));
	await eventually("the first to be gone", async () => (await job(rows[0]?.id as string)) === undefined);
	expect(await job(others[0]?.id as string)).toMatchObject({ attempts: 1 });
	gates[1]?.();
	await eventually("the second to be done", async () => (await job(others[0]?.id as string)) === undefined);
	await node.stop();
});

test("a job that takes its time is left to the process that does it", async () => {
	let runs = 0;
	let finish: () => void = () => undefined;
	const done = new Promise<void>((resolve) => {
		finish = resolve;
	});
	const slow = await nodeWithTask("slow", async () => {
		runs++;
		await done;
	});
	const { rows } = await database.query<{ id: string }>("SELECT id FROM graphile_worker.add_job('slow')");
	const id = rows[0]?.id as string;
	await eventually("the job to be taken", async () => (await job(id)).locked_by !== null);
	await database.query(
		"UPDATE graphile_worker._private_jobs SET locked_at = now() - interval '1 hour' WHERE id = $1",
		[id],
	);
	// The maintenance round that unlocks this other job has checked ours too.
	const other = await addFailingJob();
	await database.query(
		"UPDATE graphile_worker._private_jobs SET locked_by = 'dead', locked_at = now() - interval '2 seconds' WHERE id = $1",
		[other],
	);
	await eventually("the other job to be free", async () => (await job(other)).locked_by === null);
	expect(await job(id)).toMatchObject({ locked_by: expect.stringContaining("pool-"), attempts: 1 });
	finish();
	await eventually("the job to be done", async () => (await job(id)) === undefined);
	expect(runs).toBe(1);
	await slow.stop();
});

/** Starts a node whose service runs jobs of this name in the orders database. */
async function nodeWithTask(name: string, task: () => Promise<void>) {
	const migrations = new URL("../../services/orders/migrations/", import.meta.url);
	const node = await startNode();
	node.createService({
		name,
		mixins: [jobs("orders"), postgres({ database: "orders", migrations })],
		created(this: JobsService) {
			this.addTasks({ [name]: task });
		},
	});
	await node.waitForServices(name);
	return node;
}
