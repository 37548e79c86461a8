import { completeSettings, settings } from "../config/settings.ts";
import {
	type BackingService,
	canJoin,
	joinRunningServices,
	type RunningServices,
	startBackingServices,
} from "../infra/backing-services.ts";

/** Time to wait for a shop that is starting. */
const PATIENCE_MS = 10_000;
/** Services that together need every backing service. */
const WITH_ALL_DATABASES = ["users", "products"];

type Print = (line: string) => void;

/**
 * Starts the backing services of the shop in `TOKO_DIR`, and completes the settings with their addresses and secrets.
 * Parameters and errors are those of `startBackingServices`.
 */
export async function startServers(
	print: Print,
	hosted: string[],
	sharesProducts = false,
): Promise<RunningServices> {
	return completed(await startBackingServices(settings.directory, print, hosted, sharesProducts));
}

/**
 * Joins the backing services of the running shop in `TOKO_DIR`, and completes the settings with their addresses and
 * secrets. Errors are those of `joinRunningServices`.
 */
export async function joinServers(
	print: Print,
	hosted: string[] = [],
	patience_ms = PATIENCE_MS,
): Promise<BackingService[]> {
	return completed(await joinRunningServices(settings.directory, patience_ms, print, hosted)).backingServices;
}

/** Joins the backing services of the running shop. If no shop is running, starts them, and `leave` stops them again. */
export async function joinOrStart(print: Print): Promise<{ isRunning: boolean; leave(): Promise<void> }> {
	if (canJoin(settings.directory)) {
		await joinServers(print, WITH_ALL_DATABASES);
		return { isRunning: true, leave: async () => undefined };
	}
	print("no shop is running here: its databases are started for this and stopped again");
	const { stop } = await startServers(print, []);
	return { isRunning: false, leave: stop };
}

function completed<T extends Pick<RunningServices, "variables">>(found: T): T {
	completeSettings(found.variables);
	return found;
}
