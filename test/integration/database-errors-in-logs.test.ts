import { inspect } from "node:util";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import type { ServiceBroker } from "moleculer";
import pino from "pino";
import type { UserModel } from "../../services/users/model.ts";
import { newUser, startNode } from "./shop.ts";

let shop: ServiceBroker;

beforeAll(async () => {
	shop = await startNode("users");
});

afterAll(() => shop.stop());

test("an error of the users' database shows no value of its statement in a log", async () => {
	const { model } = shop.getLocalService("v1.users") as unknown as { model: UserModel };
	const { id } = await newUser(shop);
	const values = { email: "budi-in-no-log@toko.test", username: "budi-in-no-log", full_name: "Budi" };
	const error = await model.create({ ...values, id, password_hash: "hash-in-no-log" }).then(
		() => undefined,
		(reason: unknown) => reason,
	);
	expect(error).toMatchObject({
		name: "SequelizeUniqueConstraintError",
		parent: { constraint: "users_pkey" },
	});
	const overlong = await model
		.create({ ...values, username: "in-no-log".repeat(20), password_hash: "" })
		.then(
			() => undefined,
			(reason: unknown) => reason,
		);
	expect(overlong).toMatchObject({ name: "SequelizeDatabaseError", parent: { code: "22001" } });
	for (const logged of [error, overlong]) {
		expect(inspect(logged, { depth: 10 })).not.toContain("in-no-log");
		expect(JSON.stringify(pino.stdSerializers.err(logged as Error))).not.toContain("in-no-log");
	}
});
