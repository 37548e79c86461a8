import { cp, mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { ServiceBroker } from "moleculer";
import { service } from "../../broker/schema.ts";
import type { PostgresService } from "../../database/postgres-service.ts";
import { outboxFunctions, outboxTables } from "../../mixins/outbox.ts";
import { postgres } from "../../mixins/postgres.ts";

/** Functions that orders called before `010-deadlines.sql`. */
const FUNCTIONS = new URL("earlier-functions.sql", import.meta.url);
const MIGRATIONS = new URL("../../services/orders/migrations/", import.meta.url);

/** Calls a function with the orders database of an earlier version: with the migrations before this one. */
export async function withEarlierOrders(
	before: string,
	work: (orders: PostgresService) => Promise<void>,
): Promise<void> {
	const folder = await mkdtemp(join(tmpdir(), "migrations-"));
	for (const name of (await readdir(MIGRATIONS)).filter((name) => name < before)) {
		await cp(new URL(name, MIGRATIONS), join(folder, name));
	}
	const broker = new ServiceBroker({ logger: false });
	const migrations = pathToFileURL(`${folder}/`);
	const mixins = [
		postgres({ database: "orders", migrations, tables: outboxTables, functions: [outboxFunctions] }),
	];
	broker.createService(service<PostgresService>({ name: "orders", mixins }));
	await broker.start();
	try {
		const orders = broker.getLocalService("orders") as unknown as PostgresService;
		if (before <= "010") {
			await orders.pool.query(await readFile(FUNCTIONS, "utf8"));
		}
		await work(orders);
	} finally {
		await broker.stop();
		await rm(folder, { recursive: true });
	}
}
