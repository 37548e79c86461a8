import { resolve } from "node:path";
import { startBackingServices } from "../../../infra/backing-services.ts";

/**
 * The servers of a limit: the same programs with the same settings as those of a shop on a laptop (see infra/), so that a commit
 * costs both the same. Prints `ready` with their addresses as JSON.
 */
const parts = await startBackingServices(
	resolve(process.env.TOKO_DIR as string),
	(line) => console.log(line),
	["orders"],
);
const { POSTGRES_URL, NATS_URL } = process.env;
console.log(`ready ${JSON.stringify({ POSTGRES_URL, NATS_URL })}`);

process.once("SIGTERM", () => void parts.stop().then(() => process.exit()));
