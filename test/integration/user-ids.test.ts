import { afterAll, beforeAll, expect, test } from "@jest/globals";
import type { ServiceBroker } from "moleculer";
import pg from "pg";
import { databaseUrl } from "../../config/settings.ts";
import { newUser, startNode } from "./shop.ts";

let shop: ServiceBroker;

beforeAll(async () => {
	shop = await startNode("users");
});

afterAll(() => shop.stop());

test("ids are not below the seconds since 2026, differ for people who come at the same moment, and leave those of a version before alone", async () => {
	const first = await newUser(shop);
	const seconds = Math.floor((Date.now() - Date.UTC(2026, 0, 1)) / 1000);
	expect(Math.abs(first.id - seconds)).toBeLessThan(100);
	const many = await Promise.all(Array.from({ length: 8 }, () => newUser(shop)));
	expect(new Set(many.map(({ id }) => id)).size).toBe(8);

	await shop.stop();
	const users = new pg.Client(databaseUrl("users"));
	await users.connect();
	// State left by the previous version, with user ids from 1.
	await users.query(`
		DELETE FROM migrations WHERE name = '012-ids.sql';
		DELETE FROM function_versions WHERE folder = 'users/functions';
		ALTER TABLE users ALTER id DROP DEFAULT;
		DROP FUNCTION next_user_id;
		DROP SEQUENCE user_ids;
		TRUNCATE users CASCADE;
		ALTER TABLE users ALTER id ADD GENERATED ALWAYS AS IDENTITY;
		INSERT INTO users (email, username, password_hash, full_name) VALUES ('one@toko.test', 'one', '', 'One')`);
	shop = await startNode("users");
	const { rows } = await users.query("SELECT id FROM users");
	await users.end();
	expect(rows).toEqual([{ id: 1 }]);
	expect((await newUser(shop)).id).toBeGreaterThan(first.id);
});
