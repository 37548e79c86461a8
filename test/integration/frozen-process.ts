import { setTimeout as wait } from "node:timers/promises";
import { databaseUrl } from "../../config/settings.ts";
import { HEARTBEAT_SESSION, PostgresClient } from "../../database/postgres-client.ts";
import { holdForEver, startWorker } from "./frozen-node.ts";

// Program of the process that frozen.test.ts freezes in the middle of its work.

const [what, id = ""] = process.argv.slice(2);
if (what === "hold") {
	await holdForEver(await startWorker({}), id);
} else if (what === "work") {
	await startWorker({
		sleep: async () => {
			console.log("taken");
			await wait(600_000);
		},
	});
} else {
	const client = new PostgresClient({ connectionString: databaseUrl("orders"), session: HEARTBEAT_SESSION });
	client.on("error", () => undefined);
	await client.connect();
	// Same lock as in mixins/postgres.ts.
	await client.query("SELECT pg_advisory_lock(7706559)");
	setInterval(() => client.query("SELECT 1").catch(() => undefined), 1000);
	console.log("locked");
}
