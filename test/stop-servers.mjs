import { rm } from "node:fs/promises";

/** Stops what start-servers.mjs started and removes its folder. */
export default async function stopServers() {
	await globalThis.stopServers();
	await rm(process.env.TOKO_TEST_FOLDER, { recursive: true, force: true });
}
