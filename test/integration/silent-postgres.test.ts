import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import type pg from "pg";
import { databaseUrl, settings } from "../../config/settings.ts";
import { postgresPool } from "../../database/postgres-client.ts";
import { batchedStatement } from "../../load/batching.ts";

// A proxy to PostgreSQL whose connections can fall silent, as when the server's machine dies and a standby takes over
// (failover).

/** Time limit for a query: longer than one takes on a busy machine. */
const ANSWER_MS = 2000;

let way: Server;
let pool: pg.Pool;
const open = new Set<Socket>();
const toServer = new Map<Socket, Socket>();

beforeEach(async () => {
	const server = new URL(settings.postgresUrl);
	way = createServer((client) => {
		const onward = connect(Number(server.port), server.hostname);
		toServer.set(client, onward);
		open.add(client).add(onward);
		client.pipe(onward).pipe(client);
		for (const socket of [client, onward]) {
			socket.on("error", () => undefined);
		}
	}).listen(0, "127.0.0.1");
	await once(way, "listening");
	const url = new URL(databaseUrl("postgres").replace(/\/[^/]*$/, "/postgres"));
	url.port = String((way.address() as AddressInfo).port);
	url.hostname = "127.0.0.1";
	pool = postgresPool({ connectionString: url.href, query_timeout: ANSWER_MS, max: 4 });
	pool.on("error", () => undefined);
});

afterEach(async () => {
	await pool.end();
	for (const socket of open) {
		socket.destroy();
	}
	way.close();
});

/** Stops forwarding on the open connections without closing them. */
function fallSilent(): void {
	for (const [client, onward] of toServer) {
		client.unpipe(onward);
		onward.unpipe(client);
		onward.destroy();
	}
	toServer.clear();
}

test("a query over a silent connection fails, and the next uses another one", async () => {
	const sleeping = pool.query("SELECT pg_sleep(0.1)");
	await eventuallyOpen();
	fallSilent();
	await expect(sleeping).rejects.toThrow("timeout");
	await expect(pool.query("SELECT 1 AS one")).resolves.toMatchObject({ rows: [{ one: 1 }] });
});

test("a transaction over a silent connection gives the connection up", async () => {
	const client = await pool.connect();
	await client.query("BEGIN");
	fallSilent();
	await expect(client.query("SELECT $1::integer", [1])).rejects.toThrow("timeout");
	// Immediately, instead of after another timeout.
	const begun = performance.now();
	await expect(client.query("ROLLBACK")).rejects.toThrow();
	expect(performance.now() - begun).toBeLessThan(ANSWER_MS);
	client.release(true);
	expect(pool.totalCount).toBe(0);
});

test("batches over silent connections make room for the next ones", async () => {
	const ask = batchedStatement<number, number>(
		async (numbers) => {
			const { rows } = await pool.query("SELECT n, pg_sleep(0.05) FROM unnest($1::integer[]) AS n", [
				numbers,
			]);
			return rows.map(({ n }) => n as number);
		},
		{ concurrency: 1 },
	);
	expect(await ask(1)).toBe(1);
	const lost = ask(2);
	await eventuallyOpen();
	fallSilent();
	await expect(lost).rejects.toThrow("timeout");
	expect(await ask(3)).toBe(3);
});

test("a pool with silent connections can be closed", async () => {
	const client = await pool.connect();
	await client.query("SELECT 1");
	client.release();
	fallSilent();
	await pool.end();
	expect(pool.totalCount).toBe(0);
	pool = postgresPool({ connectionString: databaseUrl("postgres") });
});

/** Waits until a query is in flight. */
async function eventuallyOpen(): Promise<void> {
	while (toServer.size === 0 || ![...toServer.values()].some(({ bytesWritten }) => bytesWritten > 0)) {
		await new Promise((resolve) => setImmediate(resolve));
	}
}
