import "./shop/one-line.ts";

import { callAction } from "../contracts/actions.ts";
import { users } from "../contracts/users.ts";
import { withShop } from "./shop/attached.ts";
import { fail } from "./shop/one-line.ts";

/** `npm run rotate-keys`: a new key for access tokens. Nobody is logged out: tokens of the old one stay good. */
async function start(): Promise<void> {
	await withShop(users, async (broker) => {
		const { kid } = await callAction(broker, "v1.users.rotateKey", {});
		console.log(
			`key ${kid} signs access tokens within half a minute; those of the old key run out by themselves`,
		);
	});
}

await start().catch(fail);
process.exit();
