import { once } from "node:events";
import { existsSync } from "node:fs";
import { link, open, rename, rm } from "node:fs/promises";
import { reason, StartError } from "../../infra/start-error.ts";

/** Where an export goes. */
export interface Output {
	/** Writes a part. Resolves once the next one may follow. */
	write(text: string): Promise<void>;
	/** Completes the output. */
	finish(): Promise<void>;
	/** Leaves nothing behind, unless the output is complete. */
	abandon(): Promise<void>;
}

/** Returns the standard output, which waits for its reader. */
export function standardOutput(): Output {
	return {
		async write(text) {
			if (!process.stdout.write(text)) {
				await once(process.stdout, "drain");
			}
		},
		finish: async () => undefined,
		abandon: async () => undefined,
	};
}

/**
 * Returns a file that only its owner may read. Its content is in a temporary file beside it until it is complete and on disk.
 *
 * @param replaces Whether it may replace an existing file.
 * @throws StartError
 */
export async function fileOutput(path: string, replaces: boolean): Promise<Output> {
	if (!replaces && existsSync(path)) {
		throw exists(path);
	}
	const temporary = `${path}.${process.pid}.tmp`;
	const handle = await open(temporary, "wx", 0o600).catch((error: unknown) => {
		throw new StartError(`cannot write ${path} (${reason(error)}): name another file with --output`);
	});
	return {
		async write(text) {
			// Unlike `write`, it writes all of the text.
			await handle.appendFile(text).catch((error: unknown) => {
				throw new StartError(`cannot write ${path} (${reason(error)}): nothing was exported`);
			});
		},
		async finish() {
			await handle.sync();
			await handle.close();
			if (replaces) {
				await rename(temporary, path);
				return;
			}
			// Unlike a renaming, a link never replaces a file that another process has made meanwhile.
			await link(temporary, path).catch((error: NodeJS.ErrnoException) => {
				throw error.code === "EEXIST" ? exists(path) : error;
			});
			await rm(temporary);
		},
		async abandon() {
			await handle.close().catch(() => undefined);
			await rm(temporary, { force: true });
		},
	};
}

function exists(path: string): StartError {
	return new StartError(`${path} is there already: name another file, or replace it with --force`);
}
