import "./startup/startup-checks.ts";

import { rm, writeFile } from "node:fs/promises";
import { fail } from "../hosting/fatal-error.ts";

/**
 * `npm run openapi`: writes the OpenAPI document, the reference documents and all other generated files, and deletes the
 * manifests of removed services.
 */
async function start(): Promise<void> {
	const { generatedFiles } = await import("./generated/generated-files.ts");
	for (const [file, text] of await generatedFiles()) {
		await writeFile(file, text);
		console.log(`wrote ${file.pathname}`);
	}
	const { staleManifests } = await import("./generated/deployments.ts");
	for (const file of await staleManifests()) {
		await rm(file);
		console.log(`deleted ${file.pathname}`);
	}
}

await start().catch(fail);
