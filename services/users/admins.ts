import { randomBytes } from "node:crypto";
import { problemCode } from "../../contracts/problem-codes.ts";
import { problem } from "../../contracts/problems.ts";
import { changePrivileges } from "./account.ts";
import { byEmail } from "./model.ts";
import { hashPassword } from "./passwords.ts";
import { addUser } from "./registration.ts";
import type { UsersService } from "./service.ts";

interface AdminCredentials {
	email: string;
	password: string;
}

/**
 * Creates the first admin if there is none.
 *
 * @throws EMAIL_TAKEN
 */
export async function ensureAdmin(service: UsersService, credentials: AdminCredentials) {
	const firstAdmin = () => service.model.findOne({ where: { role: "admin" }, order: [["id", "ASC"]] });
	const existing = await firstAdmin();
	if (existing) {
		return { created: false, email: existing.email };
	}
	const admin = await attributesOf(credentials);
	// A customer may already have the username "admin".
	for (const username of ["admin", randomUsername()]) {
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
export async function makeAdmin(service: UsersService, credentials: AdminCredentials) {
	const row = await service.model.findOne({ where: byEmail(credentials.email) });
	if (row) {
		await changePrivileges(service, row.id, { role: "admin", is_active: true });
		return { created: false, email: row.email };
	}
	await addUser(service, { ...(await attributesOf(credentials)), username: randomUsername() });
	return { created: true, email: credentials.email };
}

async function attributesOf({ email, password }: AdminCredentials) {
	const password_hash = await hashPassword(password);
	return { email, password_hash, full_name: "Admin", role: "admin", is_verified: true } as const;
}

function randomUsername(): string {
	return `admin-${randomBytes(4).toString("hex")}`;
}
