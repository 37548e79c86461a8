import { type Transaction, UniqueConstraintError } from "sequelize";
import { problem } from "../../contracts/problems.ts";
import { publish } from "../../mixins/outbox.ts";
import { byEmail, byUsername, type UserAttributes, type UserRow } from "./model.ts";
import { hashPassword } from "./passwords.ts";
import type { UsersService } from "./service.ts";

/**
 * Adds a user and publishes the event, in one transaction.
 *
 * @throws EMAIL_TAKEN, USERNAME_TAKEN
 */
export async function addUser(service: UsersService, attributes: Partial<UserAttributes>): Promise<UserRow> {
	const { db } = service.adapter;
	try {
		const added = await db.transaction(async (transaction: Transaction) => {
			const row = await service.model.create(attributes, { transaction });
			const query = (sql: string, bind: unknown[]) => db.query(sql, { bind, transaction });
			await publish({ query }, "user.registered", `user:${row.id}`, { user_id: row.id });
			return row;
		});
		// This connection is not one of `service.pool`, which would wake the relay itself.
		service.wakeRelay();
		return added;
	} catch (error) {
		if (error instanceof UniqueConstraintError) {
			const { constraint } = error.parent as unknown as { constraint?: string };
			throw problem(constraint === "users_email" ? "EMAIL_TAKEN" : "USERNAME_TAKEN");
		}
		throw error;
	}
}

/**
 * Rejects an address or a username that is in use, before the far more expensive hashing of the password. `addUser`
 * handles concurrent registrations.
 *
 * @throws EMAIL_TAKEN, USERNAME_TAKEN
 */
async function refuseTaken(
	{ model }: UsersService,
	{ email, username }: Pick<UserAttributes, "email" | "username">,
): Promise<void> {
	if (await model.findOne({ where: byEmail(email) })) {
		throw problem("EMAIL_TAKEN");
	}
	if (await model.findOne({ where: byUsername(username) })) {
		throw problem("USERNAME_TAKEN");
	}
}

type Person = Pick<UserAttributes, "email" | "username"> & Partial<UserAttributes>;

/** Registers a user. With a key, returns the user that an earlier attempt of the same request has registered. */
export async function registerOnce(
	service: UsersService,
	person: Person,
	password: string,
	registered_by: string | undefined,
): Promise<UserRow> {
	try {
		await refuseTaken(service, person);
		return await addUser(service, { ...person, registered_by, password_hash: await hashPassword(password) });
	} catch (error) {
		const first = registered_by && (await service.model.findOne({ where: byEmail(person.email) }));
		if (!first || first.registered_by !== registered_by) {
			throw error;
		}
		return first;
	}
}
