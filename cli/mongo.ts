import { startMongoStandIn } from "../infra/mongo-stand-in.ts";
import { settings } from "../mixins/settings.ts";
import { fail, stopOnSignal } from "./shop/broker.ts";

/** `npm run mongo`: a MongoDB-compatible server for development, until Ctrl-C. */
async function start(): Promise<void> {
	const server = await startMongoStandIn(settings.directory, (line) => console.log(line));
	stopOnSignal(() => server.stop());
	console.log(`ready ${server.url}`);
	console.log(`start the shop on it: MONGO_URL=${server.url} npm start`);
}

await start().catch(fail);
