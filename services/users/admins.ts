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
 * Creates the first admin if there is none.
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
	// A customer may already have the username "admin".
	for (const username of ["admin", someName()]) {
		try {
			const row = await addUser(service, { ...admin, username });
			return { created: true, email: row.email };
		} catch (error) {
			// Another process that started at the same time may have created the admin.
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

/** Makes the user with this e-mail address an admin; creates an account if there is none. */
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
