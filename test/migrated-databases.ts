import { type Service, ServiceBroker, type ServiceSchema } from "moleculer";
import pg from "pg";
import { databaseUrl } from "../config/settings.ts";
import { databases } from "../contracts/services.ts";
import { brokerOptions } from "../moleculer.config.ts";

/** Makes a migrated database of each service, of which copies are made. */
export async function makeMigratedDatabases(): Promise<void> {
	// Never started: its services only migrate.
	const broker = new ServiceBroker(brokerOptions({ logger: false }));
	for (const name of databases) {
		const schema: ServiceSchema = (await import(`../services/${name}/${name}.service.ts`)).default;
		const service = broker.createService(schema) as Service & { migrate(): Promise<void> };
		await service.migrate();
		const client = new pg.Client(databaseUrl(name));
		await client.connect();
		// Each copy is a store of its own.
		await client.query("DELETE FROM shop_settings");
		await client.end();
	}
}
