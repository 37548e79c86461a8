// biome-ignore-all lint/style/noProcessEnv: told by start-servers.mjs.
import { findLoggedSecrets } from "./secrets-in-logs.mjs";

/** Stops the servers of start-servers.mjs and removes their folder. Fails a run that has logged a secret. */
export default async function stopServers() {
	const folder = process.env.TOKO_TEST_FOLDER;
	await globalThis.stopServers();
	// Shops of tests that have failed log no secrets that are known here.
	await globalThis.removeTemporary();
	const found = findLoggedSecrets(folder);
	await globalThis.removeFolder();
	if (found.length > 0) {
		throw new Error(`${found.length} secrets were logged:\n${found.slice(0, 20).join("\n")}`);
	}
}
