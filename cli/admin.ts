import "./startup/startup-checks.ts";

import { randomBytes } from "node:crypto";
import { settings } from "../config/settings.ts";
import { callAction } from "../contracts/actions.ts";
import { email } from "../contracts/email.ts";
import { users } from "../contracts/users.ts";
import { withShop } from "../hosting/attached.ts";
import { fail } from "../hosting/fatal-error.ts";
import { checkAdmin } from "../hosting/seed.ts";
import { StartError } from "../infra/backing-services.ts";
import { readArguments, usage } from "./arguments.mjs";

/** `npm run admin -- EMAIL`: makes this user an admin; creates the user, with a new password, if there is none. */
async function start(): Promise<void> {
	checkAdmin();
	const [argument, ...rest] = readArguments("admin").positionals;
	const address = email.safeParse(argument);
	if (!address.success || rest.length > 0) {
		throw new StartError(`name one e-mail address: ${usage("admin")}`);
	}
	const password = settings.adminPassword ?? randomBytes(12).toString("base64url");
	await withShop(users, async (broker) => {
		const made = await callAction(broker, "v1.users.makeAdmin", { email: address.data, password });
		console.log(
			made.created
				? `made the admin ${made.email}, password ${settings.adminPassword ? "as in ADMIN_PASSWORD" : password} (shown only now)`
				: `${made.email} is an admin; the password is as before`,
		);
	});
}

await start().catch(fail);
process.exit();
