import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { AuditedShop, testBreaches } from "./audited-shop.ts";

let shop: AuditedShop;

beforeAll(async () => {
	shop = await AuditedShop.start();
});

afterAll(() => shop.stop());

describe("the audit names a deleted user", () => {
	const account = "was deleted, but the row still has personal data or allows a login";
	testBreaches(
		() => shop,
		[
			...["full_name = 'Budi'", "phone = '+62811111111'", "is_active = true", "email = 'budi@toko.test'"].map(
				(change): Parameters<typeof testBreaches>[1][number] => [
					`whose row has ${change}`,
					"users",
					({ gone }) => `UPDATE users SET ${change} WHERE id = ${gone}`,
					({ gone }) => [`user ${gone} ${account}`],
				],
			),
			[
				"whose former address is kept",
				"users",
				({ gone }) => `INSERT INTO former_emails VALUES (${gone}, 'budi@toko.test')`,
				({ gone }) => [`user ${gone} was deleted, but a former address is still stored`],
			],
			[
				"whose address book is kept",
				"users",
				({
					gone,
				}) => `INSERT INTO addresses (user_id, recipient, phone, line1, city, province, postal_code, country)
					VALUES (${gone}, 'Budi', '+6281234567890', 'Jalan Braga 99', 'Bandung', 'Jawa Barat', '40115', 'ID')`,
				({ gone }) => [`user ${gone} was deleted, but has 1 addresses`],
			],
			[
				"who still has a session",
				"users",
				({ gone }) => `INSERT INTO refresh_tokens (token_hash, family_id, user_id, expires_at)
					VALUES ('x', gen_random_uuid(), ${gone}, now())`,
				({ gone }) => [`user ${gone} was deleted, but has 1 refresh tokens`],
			],
			[
				"who is back",
				"users",
				({ gone }) => `UPDATE users SET deleted_at = NULL, full_name = 'Budi' WHERE id = ${gone}`,
				({ gone }) => [
					`user ${gone} was deleted, but exists again`,
					`user ${gone} was deleted, as orders knows, but exists again`,
				],
			],
			[
				"who is back, with no trace of it in users",
				"users",
				({ gone }) => `UPDATE users SET deleted_at = NULL WHERE id = ${gone};
					DELETE FROM user_history WHERE user_id = ${gone};
					UPDATE event_sequences SET sequence = 1 WHERE aggregate = 'user:${gone}'`,
				({ gone }) => [
					`user ${gone} event 2 was processed, but 1 were published`,
					`is user.deleted, event 2 of user:${gone}, which published only 1`,
					`user ${gone} was deleted, as orders knows, but exists again`,
				],
			],
			[
				"who will be deleted in a far year",
				"users",
				({ gone }) => `UPDATE users SET deleted_at = '2999-01-01Z' WHERE id = ${gone}`,
				({ gone }) => [`user ${gone} was deleted at 2999`],
			],
			[
				"of whom orders was not told",
				"orders",
				() => "DELETE FROM deleted_users",
				({ gone }) => [`user ${gone} was deleted, but orders was not told and no job will tell it`],
			],
			[
				"whose address is left in an order",
				"orders",
				({ gone }) => `UPDATE orders SET shipping_address = 'Jalan Melati 5' WHERE user_id = ${gone}`,
				({ gone }) => [`has the address or note of user ${gone}, who was deleted`],
			],
			[
				"whose address no sweep has taken out for days",
				"orders",
				({ gone }) => `UPDATE deleted_users SET at = now() - interval '5 days';
					UPDATE order_history SET at = at - interval '3 days'
					WHERE order_id IN (SELECT id FROM orders WHERE user_id = ${gone});
					UPDATE orders SET shipping_address = 'Jalan Melati 5', created_at = created_at - interval '3 days'
					WHERE user_id = ${gone}`,
				({ gone }) => [`has the address or note of user ${gone}, who was deleted`],
			],
			[
				"whose address a key would answer",
				"orders",
				({ gone }) => `UPDATE idempotency_keys SET answer = jsonb_set(answer, '{order,note}', '"ring twice"')
					WHERE user_id = ${gone}`,
				({ gone }) => [` of user ${gone} returns the address or note of a user who was deleted`],
			],
			[
				"whose address is left in messages",
				"notifications",
				({ gone }) => `UPDATE notifications SET recipient = 'budi@toko.test'
					WHERE user_id = ${gone} AND type = 'order_cancelled'`,
				({ gone }) => [`order_cancelled has the address of user ${gone}, who was deleted`],
			],
		],
	);
});

test.each([
	["of another user", 1, "attempts = 0"],
	["that was given up", 0, "attempts = max_attempts, key = 'x'"],
	["that is locked for ever", 0, "locked_at = '2999-01-01Z', locked_by = 'nobody'"],
	["that is postponed to a far year", 0, "run_at = '2999-01-01Z'"],
])(
	"the audit names a deleted user of whom orders was not told, also beside a job %s",
	async (_, next, change) => {
		const { gone } = shop;
		await shop.damage("orders", "DELETE FROM deleted_users");
		await shop.damage(
			"users",
			`SELECT graphile_worker.add_job('forget_orders', '{"user_id": ${gone + next}}',
			run_at => now() + interval '4 minutes', max_attempts => 32767);
		UPDATE graphile_worker._private_jobs SET ${change}`,
		);
		expect(await shop.breaches()).toContain(
			`user ${gone} was deleted, but orders was not told and no job will tell it`,
		);
		await shop.restore();
	},
);

describe("the audit names a user who is inactive", () => {
	testBreaches(
		() => shop,
		[
			[
				"and still has a session",
				"users",
				({ buyer }) => `UPDATE users SET is_active = false WHERE id = ${buyer.id}`,
				({ buyer }) => [`user ${buyer.id} is inactive, but has 1 refresh tokens`],
			],
		],
	);
});

describe("the audit names a user who is gone", () => {
	testBreaches(
		() => shop,
		[
			[
				"and counts as lost by a row that is not of a restore",
				"users",
				({
					buyer: { id },
				}) => `DELETE FROM refresh_tokens WHERE user_id = ${id}; DELETE FROM users WHERE id = ${id};
					UPDATE event_sequences SET sequence = 2, lost = 1 WHERE aggregate = 'user:${id}'`,
				({ buyer: { id } }) => [
					`user:${id} does not exist, but notifications has processed its events and has 1 messages for it`,
					`user ${id} does not exist, but has 9 orders, such as TK-000001`,
				],
			],
			[
				"or was never there, with an id below one",
				"users",
				() =>
					"INSERT INTO users (id, email, username, password_hash, full_name) VALUES (-7, 'z', 'z', 'x', 'x')",
				() => ["user -7 has an id that is never assigned"],
			],
			[
				"and has orders",
				"users",
				({ buyer: { id } }) =>
					`DELETE FROM refresh_tokens WHERE user_id = ${id}; DELETE FROM users WHERE id = ${id}`,
				({ buyer: { id } }) => [
					`user:${id} does not exist, but notifications has processed its events and has 1 messages for it`,
					`user ${id} does not exist, but has 9 orders, such as TK-000001`,
				],
			],
		],
	);
});
