import "./startup/startup-checks.ts";

import { writeFile } from "node:fs/promises";
import { fail } from "../hosting/fatal-error.ts";
import { apiFiles } from "./generated/generated-files.ts";

/** `npm run openapi`: writes the API's document and the types that a client of the tests is made of. */
async function start(): Promise<void> {
	for (const [file, text] of await apiFiles()) {
		await writeFile(file, text);
		console.log(`wrote ${file.pathname}`);
	}
}

await start().catch(fail);
