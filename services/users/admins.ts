import { randomBytes } from "node:crypto";
import { problem, problemCode } from "../../contracts/problems.ts";
import { changePowers } from "./account.ts";
import { byEmail } from "./model.ts";
import { hashPassword } from "./passwords.ts";
import { addUser } from "./registration.ts";
import type { UsersService } from "./service.ts";

interface Given {
	email: string;
	password: string;
}

/**
 * Makes the first admin where there is none.
 *
 * @throws EMAIL_TAKEN
 */
export async function ensureAdmin(service: UsersService, given: Given) {
	const firstAdmin = () => service.model.findOne({ where: { role: "admin" }, order: [["id", "ASC"]] });
	const existing = await firstAdmin();
	if (existing) {
		return { created: false, email: existing.email };
	}
	const admin = await attributesOf(given);
	// A customer may have that name.
	for (const username of ["admin", someName()]) {
		try {
			const row = await addUser(service, { ...admin, username });
			return { created: true, email: row.email };
		} catch (error) {
			// Another process that started at the same moment may have been first.
			const rival = await firstAdmin();
			if (rival) {
				return { created: false, email: rival.email };
			}
			if (problemCode(error) !== "USERNAME_TAKEN") {
				throw error;
			}
		}
	}
	throw problem("USERNAME_TAKEN");
}

/** Gives the user with this e-mail the role of an admin; where there is none, makes a new account. */
export async function makeAdmin(service: UsersService, given: Given) {
	const row = await service.model.findOne({ where: byEmail(given.email) });
	if (row) {
		await changePowers(service, row.id, { role: "admin", is_active: true });
		return { created: false, email: row.email };
	}
	await addUser(service, { ...(await attributesOf(given)), username: someName() });
	return { created: true, email: given.email };
}

async function attributesOf({ email, password }: Given) {
	const password_hash = await hashPassword(password);
	return { email, password_hash, full_name: "Admin", role: "admin", is_verified: true } as const;
}

function someName(): string {
	return `admin-${randomBytes(4).toString("hex")}`;
}
