import { settings } from "../config/settings.ts";
import { canJoin, joinRunningServices, startBackingServices } from "../infra/backing-services.ts";

const PATIENCE_MS = 10_000;
/** Services that together need every backing service. */
const WITH_ALL_DATABASES = ["users", "products"];

/** Joins the backing services of the running shop. If no shop is running, starts them, and `leave` stops them again. */
export async function joinOrStart(
	say: (line: string) => void,
): Promise<{ isRunning: boolean; leave(): Promise<void> }> {
	if (canJoin(settings.directory)) {
		await joinRunningServices(settings.directory, PATIENCE_MS, say, WITH_ALL_DATABASES);
		return { isRunning: true, leave: async () => undefined };
	}
	say("no shop is running here: its databases are started for this and stopped again");
	const { stop } = await startBackingServices(settings.directory, say);
	return { isRunning: false, leave: stop };
}
