import { expect, test } from "@jest/globals";
import pg from "pg";
import { databaseUrl } from "../../config/settings.ts";
import { eventually, newUser, startNode } from "./shop.ts";

test("messages wait for a users service that has not started yet, which is no failed attempt", async () => {
	const both = await startNode("users", "notifications");
	const { id } = await newUser(both);
	const database = new pg.Client(databaseUrl("notifications"));
	await database.connect();
	const find = async (condition: string) => {
		const { rows } = await database.query(
			`SELECT status, tries, leased_by, history FROM notifications WHERE type = 'early' AND ${condition}`,
		);
		return rows as { tries: number; history: { status: string }[] }[];
	};
	await both.stop();
	const notifications = await startNode("notifications");
	await database.query(
		`INSERT INTO notifications (event_id, user_id, type, channel, aggregate, history, data)
		SELECT gen_random_uuid(), $1::integer, 'early', 'email', 'user:' || $1::integer,
			'[{"status": "queued", "at": "2026-01-01T00:00:00Z"}]',
			jsonb_build_object('id', gen_random_uuid(), 'name', 'user.registered', 'occurred_at', '2026-01-01T00:00:00.000Z',
				'data', jsonb_build_object('user_id', $1::integer))
		FROM generate_series(1, 30)`,
		[id],
	);
	await eventually("a lease", async () => (await find("leased_by IS NOT NULL")).length === 30);
	const users = await startNode("users");
	await eventually("the messages", async () => (await find("status = 'sent'")).length === 30);
	for (const { tries, history } of await find("true")) {
		expect(tries).toBe(0);
		expect(history.map(({ status }) => status)).toEqual(["queued", "sent"]);
	}
	await users.stop();
	await notifications.stop();
	await database.end();
});
