/**
 * Process of stopped.test.ts: starts a node with a service, stops it, and prints the handles that keep it alive. With
 * `break-session`, the connection that announces its workers breaks just before.
 */
import { setTimeout as wait } from "node:timers/promises";
import { ServiceBroker } from "moleculer";
import pg from "pg";
import { databaseUrl } from "../../config/settings.ts";
import { addService } from "../../hosting/services.ts";
import { brokerOptions } from "../../moleculer.config.ts";

const LOOK_EVERY_MS = 20;
/** A count instead of a time, since a busy machine may not schedule this process. */
const LOOKS = 10;

const [name = "", isToBreak] = process.argv.slice(2);
const broker = new ServiceBroker(brokerOptions({ logger: false }));
await addService(broker, name);
await broker.start();
if (isToBreak) {
	const database = new pg.Client(databaseUrl(name));
	await database.connect();
	await database.query(
		"SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = current_database() AND application_name = $1",
		[`toko ${name} workers`],
	);
	await database.end();
}
await broker.stop();

let left: string[] = [];
/** A server may take long to close a connection. */
const areSockets = () => left.every((name) => name === "TCPSocketWrap");
for (let look = 0; look < LOOKS || (areSockets() && look < 50 * LOOKS); look++) {
	await wait(LOOK_EVERY_MS);
	// Pipes are this process's output.
	left = process.getActiveResourcesInfo().filter((name) => name !== "PipeWrap");
	if (left.length === 0) {
		break;
	}
}
console.log(JSON.stringify(left));
