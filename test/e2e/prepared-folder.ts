import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { tryLock } from "../../infra/pid-lock.mjs";
import { newFolder, ownEnvironment, until } from "../../tools/shop-process.ts";
import { testFolder } from "../variables.ts";

const prepared = join(testFolder, "prepared");
let preparing: Promise<void> | undefined;

/** The passwords of PostgreSQL are in its data. All other secrets of a copy are its own. */
const IN_POSTGRES = ["postgres_superuser_password", "postgres_password"];

/**
 * Creates a folder like `newFolder`, with what a first start makes: the cluster of PostgreSQL with migrated databases, and
 * the sample catalogue. A copy and a start in it take 1.1 s of CPU time less than a first start. It has no admin, no events,
 * and no id of its stores yet, so that each copy gets its own, as it gets its own ports.
 *
 * @param catalogue False for a shop whose products are on a server.
 */
export async function preparedFolder({ catalogue = true } = {}): Promise<string> {
	await prepare();
	const folder = newFolder();
	const files = ["postgres", ...(catalogue ? ["products.db"] : [])].map((name) => join(prepared, name));
	// Unlike fs.cp it keeps the owner, who is not root.
	await promisify(execFile)("cp", ["-a", ...files, folder]);
	const secrets: Record<string, string> = JSON.parse(readFileSync(join(prepared, "secrets.json"), "utf8"));
	for (const name of Object.keys(secrets).filter((name) => !IN_POSTGRES.includes(name))) {
		secrets[name] = randomBytes(32).toString("base64url");
	}
	writeFileSync(join(folder, "secrets.json"), JSON.stringify(secrets), { mode: 0o600 });
	return folder;
}

/** Prepares the folder once in the run: the first test file that needs it does so, and the others wait. */
function prepare(): Promise<void> {
	preparing ??= until("the prepared folder", async () => {
		const lock = tryLock(`${prepared}.lock`);
		try {
			if (lock && !existsSync(prepared)) {
				await make();
			}
			return existsSync(prepared);
		} finally {
			lock?.release();
		}
	});
	return preparing;
}

async function make(): Promise<void> {
	const unfinished = `${prepared}.new`;
	rmSync(unfinished, { recursive: true, force: true });
	const program = join(import.meta.dirname, "prepare-shop.ts");
	await promisify(execFile)(process.execPath, ["--no-warnings", program], {
		env: ownEnvironment(unfinished),
	});
	renameSync(unfinished, prepared);
}
