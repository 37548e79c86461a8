import type { Pool } from "pg";
import type { ActionContext } from "../../contracts/actions.ts";
import type { UserRow } from "./model.ts";
import { checkPassword, hashPassword } from "./passwords.ts";
import type { UsersService } from "./service.ts";

/**
 * Tells whether this is the account's password; false if there is no account. Wrong passwords are counted. The hash of
 * a right one that is not of its normal form is replaced.
 *
 * @throws TOO_MANY_LOGINS
 */
export async function isPasswordOf(
	service: UsersService,
	ctx: ActionContext,
	email: string,
	row: UserRow | null,
	password: string,
): Promise<boolean> {
	let needsRehash = false;
	const isRight = await service.guard.attempt(email, ctx.meta.client, async () => {
		const found = await checkPassword(row?.password_hash, password);
		needsRehash = found === "outdated";
		return Boolean(found);
	});
	if (row && needsRehash) {
		await replaceHash(service.pool, row, password).catch((error: Error) =>
			service.logger.warn(`The password of user ${row.id} could not be rehashed: ${error.message}`),
		);
	}
	return isRight;
}

/** Replaces the hash, unless the password was changed meanwhile. */
async function replaceHash(pool: Pool, { id, password_hash }: UserRow, password: string): Promise<void> {
	await pool.query("UPDATE users SET password_hash = $3 WHERE id = $1 AND password_hash = $2", [
		id,
		password_hash,
		await hashPassword(password),
	]);
}
