import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { afterAll, afterEach, beforeAll, expect, test } from "@jest/globals";
import type { ServiceBroker } from "moleculer";
import pg from "pg";
import { childEnvironment, databaseUrl } from "../../config/settings.ts";
import { startWorker } from "./frozen-node.ts";
import { eventually } from "./shop.ts";

let worker: ServiceBroker;
let database: pg.Client;
let done: string[];
const frozen: ChildProcess[] = [];

beforeAll(async () => {
	done = [];
	worker = await startWorker({
		sleep: async (payload) => void done.push((payload as { name: string }).name),
	});
	database = new pg.Client(databaseUrl("orders"));
	await database.connect();
});

afterEach(() => {
	for (const child of frozen.splice(0)) {
		child.kill("SIGKILL");
	}
});

afterAll(async () => {
	await database.end();
	await worker.stop();
});

/** Starts a process that does `what`, and freezes it with SIGSTOP as soon as it reports that it has begun. */
async function freeze(...what: string[]): Promise<ChildProcess> {
	const child = fork(new URL("./frozen-process.ts", import.meta.url), what, {
		execArgv: ["--no-warnings"],
		env: childEnvironment(),
		stdio: ["ignore", "pipe", "inherit", "ipc"],
	});
	frozen.push(child);
	await once(child.stdout as NonNullable<ChildProcess["stdout"]>, "data");
	child.kill("SIGSTOP");
	return child;
}

test("a row that a frozen process has locked in a transaction is free within seconds", async () => {
	await database.query("INSERT INTO deleted_users (user_id) VALUES (7) ON CONFLICT DO NOTHING");
	await freeze("hold", "7");
	const begun = Date.now();
	await database.query("UPDATE deleted_users SET at = now() WHERE user_id = 7");
	expect(Date.now() - begun).toBeLessThan(30_000);
});

test("a job that a frozen process has taken is done by another within seconds", async () => {
	// Stopped so that the other process takes the job.
	await worker.stop();
	const begin = freeze("work");
	await eventually("a database with jobs", () =>
		database
			.query("SELECT graphile_worker.add_job('sleep', '{\"name\": \"first\"}'::json, job_key => 'first')")
			.then(
				() => true,
				() => false,
			),
	);
	await begin;
	worker = await startWorker({
		sleep: async (payload) => void done.push((payload as { name: string }).name),
	});
	await eventually("the job to be done", async () => done.includes("first"));
});

test("a frozen process that migrates lets the next one start", async () => {
	await freeze("migrate");
	const next = await startWorker({});
	await next.stop();
});
