// biome-ignore-all lint/style/noProcessEnv: reads what start-servers.mjs tells the processes of Jest.
import { replaceSettings, settings } from "../config/settings.ts";

/** Folder of this run, with its servers, logs and shops. */
export const testFolder = process.env.TOKO_TEST_FOLDER as string;

/** URL of the MongoDB-compatible server of this run; undefined if none could be started. */
export const testMongoUrl = process.env.TOKO_TEST_MONGO_URL;

/**
 * Gives nodes, and child processes with `childEnvironment`, that are started from now on other variables; undefined
 * unsets one. A node that runs already takes those that it reads at each use.
 */
export function setVariables(changes: NodeJS.ProcessEnv): void {
	replaceSettings({ ...settings.variables, ...changes });
}
