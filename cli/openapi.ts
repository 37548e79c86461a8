import "./startup/startup-checks.ts";

import { writeFile } from "node:fs/promises";
import { fail } from "../hosting/fatal-error.ts";

/** `npm run openapi`: writes the OpenAPI document, the reference documents and all other generated files. */
async function start(): Promise<void> {
	const { generatedFiles } = await import("./generated/generated-files.ts");
	for (const [file, text] of await generatedFiles()) {
		await writeFile(file, text);
		console.log(`wrote ${file.pathname}`);
	}
}

await start().catch(fail);
