import { join } from "node:path";
import { folderProblem } from "./folder.ts";
import { holderOf, type Identity, type PidLock, tryLock } from "./pid-lock.mjs";
import { StartError } from "./start-error.ts";

/** A lock that this process holds until it releases it or dies. */
export type Lock = PidLock;

/** The live process that holds the lock file, or null. */
export function holder(file: string): Identity | null {
	return holderOf(file);
}

/**
 * Takes the lock file or throws a StartError made by `refusal` of the holder's pid. The lock ends with
 * the process, however that dies.
 */
export async function takeLock(file: string, refusal: string | ((pid: number) => string)): Promise<Lock> {
	for (let attempt = 0; ; attempt++) {
		let lock: Lock | null;
		try {
			lock = tryLock(file);
		} catch (error) {
			throw folderProblem(file, error);
		}
		if (lock !== null) return lock;
		const pid = holder(file)?.pid;
		if (pid !== undefined || attempt > 500)
			throw new StartError(typeof refusal === "string" ? `${refusal} (pid ${pid})` : refusal(pid ?? 0));
		// Nobody holds it, but somebody is replacing the stale file this very moment.
		await new Promise((resolve) => setTimeout(resolve, 10));
	}
}

/**
 * Makes this process the owner of the NeDB file, which is atomic inside one process only.
 * Throws a StartError that names the owner and the way to more than one products process.
 */
export async function ownProductsFile(directory: string): Promise<Lock> {
	return takeLock(
		join(directory, "products.lock"),
		(pid) =>
			`products already run in process ${pid}, and the NeDB file has one owner; for more products processes ` +
			"run `npm run mongo` and start the shop with MONGO_URL",
	);
}
