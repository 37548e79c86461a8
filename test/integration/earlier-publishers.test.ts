import { expect, test } from "@jest/globals";
import type { NatsConnection } from "nats";
import type { PostgresService } from "../../database/postgres-service.ts";
import { natsOf } from "../../nats/client.ts";
import { eventually, newUser, startNode } from "./shop.ts";
import { sequencesInStream } from "./stream.ts";

test("events that processes of earlier versions insert, without a request or a trace, are published in their order", async () => {
	const shop = await startNode("users");
	try {
		const { id } = await newUser(shop);
		const { pool } = shop.getLocalService({ name: "users", version: 1 }) as unknown as PostgresService;
		const event = ["user.verification_requested", 1, `user:${id}`, JSON.stringify({ user_id: id })];
		await pool.query("SELECT publish_traced($1, $2::integer, $3, $4::jsonb, NULL)", event);
		await pool.query("SELECT publish($1, $2::integer, $3, $4::jsonb)", event);
		const nats = natsOf(shop) as NatsConnection;
		await eventually("the events", async () => (await sequencesInStream(nats, `user:${id}`)).length === 3);
		expect(await sequencesInStream(nats, `user:${id}`)).toEqual([1, 2, 3]);
		const { rows } = await pool.query(
			"SELECT request_id FROM outbox WHERE aggregate = $1 ORDER BY sequence",
			[`user:${id}`],
		);
		expect(rows).toEqual([{ request_id: expect.any(String) }, { request_id: null }, { request_id: null }]);
	} finally {
		await shop.stop();
	}
});
