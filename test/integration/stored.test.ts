import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import type { ServiceBroker } from "moleculer";
import type { PoolClient } from "pg";
import { service } from "../../broker/schema.ts";
import { declare, type EventEnvelope, implement } from "../../contracts/actions.ts";
import { contract, healthAction, outboxAction } from "../../contracts/contract.ts";
import { users } from "../../contracts/users.ts";
import type { InboxService } from "../../mixins/inbox.ts";
import { publish } from "../../mixins/outbox.ts";
import { type StoredService, stored } from "../../mixins/stored.ts";
import { eventually, startNode } from "./shop.ts";

/** A service that is in no list; it publishes events of users, and listens to them itself. */
const followers = contract({
	name: "followers",
	version: 1,
	about: "For this test",
	store: "PostgreSQL",
	publishes: users.publishes,
	actions: { outbox: outboxAction, health: healthAction("follower-service", "/health/follower") },
});

type FollowersService = StoredService & InboxService;

const folder = mkdtempSync(join(tmpdir(), "toko-stored-"));
let shop: ServiceBroker;
let local: FollowersService;
/** Aggregates of the events that were handled, in transactions that have committed. */
const handled: string[] = [];

beforeAll(async () => {
	writeFileSync(join(folder, "001-followers.sql"), "CREATE TABLE followers (user_id integer NOT NULL);");
	declare(followers);
	shop = await startNode();
	const made = shop.createService(
		service<FollowersService>({
			name: followers.name,
			version: followers.version,
			mixins: [
				stored<FollowersService>(
					followers,
					pathToFileURL(`${folder}/`),
					{ "user.registered": follow },
					(events) => handled.push(...events.map(({ aggregate }) => aggregate)),
				),
			],
			actions: implement<FollowersService>()(followers, {
				outbox() {
					return this.pendingWork();
				},
				async health() {
					await this.checkStore();
					return { status: "healthy", service: "follower-service" };
				},
			}),
		}),
	);
	local = made as unknown as FollowersService;
	await shop.waitForServices({ name: followers.name, version: 1 });
});

afterAll(async () => {
	await shop.stop();
	rmSync(folder, { recursive: true });
});

async function follow(events: EventEnvelope<"user.registered">[], client: PoolClient): Promise<void> {
	for (const { data } of events) {
		await client.query("INSERT INTO followers VALUES ($1)", [data.user_id]);
	}
}

test("a service needs only a contract that publishes and handlers for an outbox and an inbox", async () => {
	await local.transaction((client) => publish(client, "user.registered", "user:7", { user_id: 7 }));
	await eventually("the event to come back", async () => {
		const { rows } = await local.pool.query("SELECT user_id FROM followers");
		return rows.length > 0 && rows;
	});
	expect((await local.pool.query("SELECT user_id FROM followers")).rows).toEqual([{ user_id: 7 }]);
	await eventually("the service to be told after the commit", async () => handled.length > 0);
	expect(handled).toEqual(["user:7"]);
	await eventually("the outbox to be empty", async () => (await local.pendingWork()).length === 0);
	await expect(local.checkStore()).resolves.toBeUndefined();
});
