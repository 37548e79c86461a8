import "./startup/startup-checks.ts";

import { callAction } from "../contracts/actions.ts";
import { users } from "../contracts/users.ts";
import { withShop } from "../hosting/attached.ts";
import { fail } from "../hosting/fatal-error.ts";
import { readArguments } from "./arguments.mjs";

/**
 * `npm run rotate-keys`: creates a new key for access tokens. No user is logged out, because tokens of the old key stay
 * valid. With `-- --revoke`, for a leaked key, they become invalid, and clients get new ones for their refresh tokens.
 */
async function start(): Promise<void> {
	const { values } = readArguments("rotate-keys");
	await withShop(users, async (broker) => {
		const { kid } = await callAction(broker, "v1.users.rotateKey", values);
		console.log(
			values.revoke
				? `key ${kid} signs access tokens; within a minute no others count, and clients have to refresh theirs`
				: `key ${kid} signs access tokens within half a minute; those of the old key run out by themselves`,
		);
	});
}

await start().catch(fail);
process.exit();
