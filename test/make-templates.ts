/** Program of start-servers.mjs: makes a migrated database of each service, of which integration tests get copies. */
import { settings } from "../config/settings.ts";
import { TEMPLATES } from "./database-templates.ts";
import { makeMigratedDatabases } from "./migrated-databases.ts";

if (settings.namespace !== TEMPLATES) {
	throw new Error(`the namespace of templates is ${TEMPLATES}, not ${settings.namespace}`);
}
await makeMigratedDatabases();
process.exit(0);
