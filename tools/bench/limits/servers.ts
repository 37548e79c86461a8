import { settings } from "../../../config/settings.ts";
import { deliverHeldSignals, startBackingServices } from "../../../infra/backing-services.ts";

/**
 * Starts the servers of a limit: the same programs with the same settings as those of a local shop (see infra/), so
 * that a commit costs the same in both. Prints `ready` with their addresses as JSON.
 */
const servers = await startBackingServices(settings.directory, (line) => console.log(line), ["orders"]);
const { POSTGRES_URL, NATS_URL } = servers.variables;
console.log(`ready ${JSON.stringify({ POSTGRES_URL, NATS_URL })}`);

process.once("SIGTERM", () => void servers.stop().then(() => process.exit()));
deliverHeldSignals();
