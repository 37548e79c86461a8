import "./startup/startup-checks.ts";

import { settings } from "../config/settings.ts";
import { stopOnSignal } from "../hosting/broker.ts";
import { fail } from "../hosting/fatal-error.ts";
import { startMongoStandIn } from "../infra/mongo-stand-in.ts";

/** `npm run mongo`: runs a MongoDB-compatible server for development, until Ctrl-C. */
async function start(): Promise<void> {
	const server = await startMongoStandIn(settings.directory, (line) => console.log(line));
	stopOnSignal(() => server.stop());
	console.log(`ready ${server.url}`);
	console.log(`start the shop on it: MONGO_URL=${server.url} npm start`);
}

await start().catch(fail);
