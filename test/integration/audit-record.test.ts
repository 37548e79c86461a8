import { afterAll, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import type { ServiceBroker } from "moleculer";
import type { Pool } from "pg";
import { databaseUrl } from "../../config/settings.ts";
import {
	claimAudit,
	keepAudit,
	latestAudit,
	recordAudit,
	releaseAudit,
} from "../../database/audit-record.ts";
import { postgresPool } from "../../database/postgres-client.ts";
import { exposition } from "../../observability/exposition.ts";
import { eventually, startNode } from "./shop.ts";

const HOUR_MS = 3_600_000;
let broker: ServiceBroker;
let pool: Pool;

beforeAll(async () => {
	broker = await startNode("users", "products", "orders");
	pool = postgresPool({ connectionString: databaseUrl("orders"), max: 5 });
});

afterAll(async () => {
	await pool.end();
	await broker.stop();
});

beforeEach(() => pool.query("UPDATE audits SET (started_at, alive_at, finished_at) = (NULL, NULL, NULL)"));

describe("of processes that look for a due audit", () => {
	const claimTogether = async () => {
		const claims = await Promise.all(Array.from({ length: 5 }, () => claimAudit(pool, HOUR_MS)));
		return claims.filter((claim) => claim !== undefined);
	};

	test("one gets it, and no other while it reports to be alive", async () => {
		const [claim = "", ...others] = await claimTogether();
		expect(others).toEqual([]);
		await pool.query("UPDATE audits SET alive_at = now() - interval '50 seconds'");
		await keepAudit(pool, claim);
		await pool.query("UPDATE audits SET alive_at = alive_at - interval '50 seconds'");
		expect(await claimTogether()).toEqual([]);
	});

	test("one gets that of a killed process", async () => {
		const [dead = ""] = await claimTogether();
		await pool.query("UPDATE audits SET alive_at = now() - interval '61 seconds'");
		const [claim = "", ...others] = await claimTogether();
		expect(others).toEqual([]);
		// The process was frozen, and releases what is no longer its own.
		await releaseAudit(pool, dead);
		expect(await claimTogether()).toEqual([]);
		expect(await releaseAudit(pool, claim)).toBe(false);
	});

	test("one gets the next when the latest has been over for the interval, also one that a person has started", async () => {
		const [claim = ""] = await claimTogether();
		await recordAudit(pool, { duration_seconds: 1, breaches: {} });
		expect(await releaseAudit(pool, claim)).toBe(true);
		await pool.query("UPDATE audits SET started_at = now() - interval '61 minutes'");
		expect(await claimTogether()).toEqual([]);
		await pool.query("UPDATE audits SET finished_at = now() - interval '61 minutes'");
		expect(await claimTogether()).toHaveLength(1);
	});
});

test("the latest audit is among the metrics of orders, by check", async () => {
	expect(await latestAudit(pool)).toBeUndefined();
	const breaches = { "an order's total is the sum of its lines": 2, "no job is stuck": 0 };
	await recordAudit(pool, { duration_seconds: 1.5, breaches });
	const { finished_at } = (await latestAudit(pool)) ?? {};
	// A value whose first read takes long is left out.
	const lines = await eventually("the metrics", async () => {
		const { text } = await exposition("text/plain");
		const found = text.split("\n").filter((line) => line.startsWith("toko_audit_"));
		return found.length >= 4 && found;
	});
	expect(lines).toEqual([
		'toko_audit_breaches{check="no job is stuck"} 0',
		`toko_audit_breaches{check="an order's total is the sum of its lines"} 2`,
		`toko_audit_last_run_timestamp_seconds ${(finished_at as Date).getTime() / 1000}`,
		"toko_audit_duration_seconds 1.5",
	]);
});
