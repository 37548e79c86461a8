import { dirname, join } from "node:path";
import { folderProblem } from "./folder.ts";
import { type KernelLock, tryKernelLock } from "./kernel-lock.ts";
import { holderOf, type Identity, type PidLock, tryLock } from "./pid-lock.mjs";
import { StartError } from "./start-error.ts";

/** A lock that this process holds until it releases it or exits. */
export interface Lock {
	release(): void;
}

/** Returns the live process that holds the lock file, or null. */
export function holder(file: string): Identity | null {
	return holderOf(file);
}

/**
 * Takes the lock. The kernel's lock ends with the process, however it exits, and also excludes other containers; the
 * lock file tells other processes the holder's pid.
 *
 * @param work Tells other processes what the lock is held for.
 * @throws StartError that `refusal` makes of the holder's pid.
 */
export async function takeLock(file: string, refusal: (pid: number) => string, work?: string): Promise<Lock> {
	const kernel = takeKernelLock(file, refusal);
	try {
		const pidLock = await takePidLock(file, refusal, work);
		return {
			release() {
				pidLock.release();
				kernel.release();
			},
		};
	} catch (error) {
		kernel.release();
		throw error;
	}
}

function takeKernelLock(file: string, refusal: (pid: number) => string): KernelLock {
	let lock: KernelLock | null;
	try {
		lock = tryKernelLock(`${file}.kernel`);
	} catch (error) {
		throw folderProblem(file, error);
	}
	if (lock !== null) {
		return lock;
	}
	const pid = holder(file)?.pid;
	throw new StartError(
		pid === undefined
			? `${dirname(file)} is used by a process of another container or machine: stop it, or set TOKO_DIR to another folder`
			: refusal(pid),
	);
}

async function takePidLock(
	file: string,
	refusal: (pid: number) => string,
	work: string | undefined,
): Promise<PidLock> {
	for (let attempt = 0; ; attempt++) {
		let lock: PidLock | null;
		try {
			lock = tryLock(file, work);
		} catch (error) {
			throw folderProblem(file, error);
		}
		if (lock !== null) {
			return lock;
		}
		// The holder may be an earlier version of Toko, which does not take the kernel's lock.
		const pid = holder(file)?.pid;
		if (pid !== undefined || attempt > 500) {
			throw new StartError(refusal(pid ?? 0));
		}
		// The lock is free, but another process is replacing the stale file at this moment.
		await new Promise((resolve) => setTimeout(resolve, 10));
	}
}

/** Work of the lock of the products' file while they are moved. */
const MOVING = "moving products";

/**
 * Makes this process the owner of the NeDB file, which is atomic within one process only.
 *
 * @throws StartError that names the owner, and how to run more than one products process.
 */
export async function ownProductsFile(directory: string): Promise<Lock> {
	const file = join(directory, "products.lock");
	return takeLock(file, (pid) =>
		holder(file)?.work === MOVING
			? movedBy(pid, directory)
			: `products already run in process ${pid}, and the NeDB file has one owner; for more products processes ` +
				"run `npm run mongo` and start the shop with MONGO_URL",
	);
}

/**
 * Makes this process the owner of the NeDB file while it moves the products, so that no products process starts on it.
 *
 * @throws StartError that names the owner, or the process of the shop that runs in the folder.
 */
export async function ownProductsFileToMove(directory: string): Promise<Lock> {
	const file = join(directory, "products.lock");
	const lock = await takeLock(
		file,
		(pid) =>
			holder(file)?.work === MOVING
				? movedBy(pid, directory)
				: `products run in process ${pid}: stop it before they are moved`,
		MOVING,
	);
	const shop = holder(join(directory, "toko.lock"));
	if (shop !== null) {
		lock.release();
		throw new StartError(
			`a shop runs in ${directory} (pid ${shop.pid}): stop it before its products are moved`,
		);
	}
	return lock;
}

function movedBy(pid: number, directory: string): string {
	return `process ${pid} is moving the products of ${directory}: wait until it has ended`;
}
