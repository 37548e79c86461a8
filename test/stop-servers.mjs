import { rm } from "node:fs/promises";
import { findLoggedSecrets } from "./secrets-in-logs.mjs";

/** Stops what start-servers.mjs started and removes its folder. A run that has logged a secret fails. */
export default async function stopServers() {
	const folder = process.env.TOKO_TEST_FOLDER;
	await globalThis.stopServers();
	const found = findLoggedSecrets(folder);
	await rm(folder, { recursive: true, force: true });
	if (found.length > 0) {
		throw new Error(`${found.length} secrets were logged:\n${found.slice(0, 20).join("\n")}`);
	}
}
