import { afterAll, beforeAll, describe } from "@jest/globals";
import { AuditedShop, testBreaches } from "./audited-shop.ts";

let shop: AuditedShop;

beforeAll(async () => {
	shop = await AuditedShop.start();
});

afterAll(() => shop.stop());

describe("the audit names a deleted user", () => {
	const account = "was deleted, but the row still tells of the person or lets them in";
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
				({ gone }) => [`user ${gone} was deleted, but a former address is kept`],
			],
			[
				"who still has a session",
				"users",
				({ gone }) => `INSERT INTO refresh_tokens (token_hash, family_id, user_id, expires_at)
					VALUES ('x', gen_random_uuid(), ${gone}, now())`,
				({ gone }) => [`user ${gone} was deleted, but has 1 refresh tokens`],
			],
			[
				"of whom orders was not told",
				"orders",
				() => "DELETE FROM deleted_users",
				({ gone }) => [`user ${gone} was deleted, but orders does not know and no job tells it`],
			],
			[
				"whose address is left in an order",
				"orders",
				({ gone }) => `UPDATE orders SET shipping_address = 'Jalan Melati 5' WHERE user_id = ${gone}`,
				({ gone }) => [`has the address or note of user ${gone}, who was deleted`],
			],
			[
				"whose address a key would answer",
				"orders",
				({ gone }) => `UPDATE idempotency_keys SET answer = jsonb_set(answer, '{order,note}', '"ring twice"')
					WHERE user_id = ${gone}`,
				({ gone }) => [` of user ${gone} answers the address or note of a user who was deleted`],
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

describe("the audit names a user who is switched off", () => {
	testBreaches(
		() => shop,
		[
			[
				"and still has a session",
				"users",
				({ buyer }) => `UPDATE users SET is_active = false WHERE id = ${buyer.id}`,
				({ buyer }) => [`user ${buyer.id} is switched off, but has 1 refresh tokens`],
			],
		],
	);
});

describe("the audit names a user who is gone", () => {
	testBreaches(
		() => shop,
		[
			[
				"and has orders",
				"users",
				({ buyer: { id } }) =>
					`DELETE FROM refresh_tokens WHERE user_id = ${id}; DELETE FROM users WHERE id = ${id}`,
				({ buyer: { id } }) => [
					`user:${id} is not there, but notifications has taken its events in and has 1 messages of it`,
					`user ${id} is not there, but has 9 orders, such as TK-000001`,
				],
			],
		],
	);
});
