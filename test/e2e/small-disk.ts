import { spawnSync } from "node:child_process";
import {
	chownSync,
	mkdirSync,
	mkdtempSync,
	openSync,
	rmSync,
	statSync,
	writeFileSync,
	writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const MEGABYTE = 1024 * 1024;
const SIZE = "48m";
const MOUNT = `mount -t tmpfs -o size=${SIZE},mode=1777 tmpfs "$0" && exec "$@"`;

/**
 * Returns the command that runs a program with a small disk at `place`, visible only to it, in a separate mount
 * namespace.
 */
function launcherOf(place: string): string[] {
	if (process.getuid?.() === 0) {
		return ["unshare", "--mount", "sh", "-c", MOUNT, place];
	}
	// First root of a user namespace, then the original user again: PostgreSQL refuses to run as root.
	const self = [`--map-user=${process.getuid?.()}`, `--map-group=${process.getgid?.()}`];
	return [
		"unshare",
		"--user",
		"--map-root-user",
		"--mount",
		"sh",
		"-c",
		MOUNT,
		place,
		"unshare",
		"--user",
		...self,
	];
}

/**
 * Returns the launcher of a shop with a small disk at `place`; undefined if this machine does not support it.
 *
 * @param print Receives the reason.
 */
export function smallDisk(place: string, print: (line: string) => void): string[] | undefined {
	mkdirSync(place, { recursive: true });
	const launcher = launcherOf(place);
	const [program = "", ...rest] = [...launcher, "true"];
	const { status, stderr, error } = spawnSync(program, rest, { encoding: "utf8", timeout: 10_000 });
	if (status === 0) {
		return launcher;
	}
	print(error?.message ?? stderr.trim());
	return undefined;
}

/** Returns the reason why this machine supports no small disk; undefined if it does. */
export function whyNoSmallDisk(): string | undefined {
	const place = mkdtempSync(join(tmpdir(), "toko-disk-"));
	let why: string | undefined;
	smallDisk(place, (line) => {
		why = line;
	});
	rmSync(place, { recursive: true, force: true });
	return why;
}

/** The small disk as seen by the process with this id. */
export class SmallDisk {
	#path: string;

	constructor(place: string, pid: number) {
		this.#path = `/proc/${pid}/root${place}`;
	}

	/** Creates a folder with the same owner as `like`. */
	folder(name: string, like: string): void {
		const { uid, gid } = statSync(like);
		mkdirSync(join(this.#path, name));
		chownSync(join(this.#path, name), uid, gid);
	}

	remove(name: string): void {
		rmSync(join(this.#path, name), { recursive: true });
	}

	/** Fills the disk to the last byte. */
	fill(): void {
		const file = openSync(join(this.#path, "ballast"), "a");
		for (let size = MEGABYTE; size >= 1; ) {
			try {
				writeSync(file, Buffer.alloc(size));
			} catch (error) {
				if ((error as NodeJS.ErrnoException).code !== "ENOSPC") {
					throw error;
				}
				size = Math.floor(size / 2);
			}
		}
	}

	empty(): void {
		writeFileSync(join(this.#path, "ballast"), "");
	}
}
