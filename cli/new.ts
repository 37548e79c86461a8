import "./startup/startup-checks.ts";

import { fail } from "../hosting/fatal-error.ts";
import { StartError } from "../infra/start-error.ts";
import { readArguments, usage } from "./arguments.mjs";
import { addService, removeService } from "./new/service-files.ts";

/** `npm run new -- [--remove] NAME`: makes the files of a service and its line in the list, or deletes them. */
async function start(): Promise<void> {
	const { values, positionals } = readArguments("new");
	const [name, ...more] = positionals;
	if (name === undefined || more.length > 0) {
		throw new StartError(`one name is needed: ${usage("new")}`);
	}
	await (values.remove ? removeService : addService)(name, (line) => console.log(line));
}

await start().catch(fail);
