/** Program of prepared-folder.ts: prepares the folder of TOKO_DIR as a first start does, up to the first admin. */
import { createBroker } from "../../hosting/broker.ts";
import { ensureCatalogue } from "../../hosting/seed.ts";
import { startServers } from "../../hosting/servers.ts";
import { addService } from "../../hosting/services.ts";
import { makeMigratedDatabases } from "../migrated-databases.ts";

const print = (line: string) => console.error(line);
const { stop } = await startServers(print, ["products"]);
try {
	await makeMigratedDatabases();
	const broker = createBroker({ quiet: true });
	await addService(broker, "products");
	await broker.start();
	await ensureCatalogue(broker, print);
	await broker.stop();
} finally {
	await stop();
}
process.exit(0);
