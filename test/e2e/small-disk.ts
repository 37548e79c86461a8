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

/** How to run a program that sees a small disk at `place`, which nobody else sees: in a mount namespace of its own. */
function launcherOf(place: string): string[] {
	if (process.getuid?.() === 0) {
		return ["unshare", "--mount", "sh", "-c", MOUNT, place];
	}
	// As root of a user namespace, then as oneself again: PostgreSQL does not run as root.
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
 * The launcher of a shop that has a small disk at `place`; undefined where this machine allows no such thing.
 *
 * @param say Hears why.
 */
export function smallDisk(place: string, say: (line: string) => void): string[] | undefined {
	mkdirSync(place, { recursive: true });
	const launcher = launcherOf(place);
	const [program = "", ...rest] = [...launcher, "true"];
	const { status, stderr, error } = spawnSync(program, rest, { encoding: "utf8", timeout: 10_000 });
	if (status === 0) {
		return launcher;
	}
	say(error?.message ?? stderr.trim());
	return undefined;
}

/** Why no small disk can be had on this machine; undefined where it can. */
export function whyNoSmallDisk(): string | undefined {
	const place = mkdtempSync(join(tmpdir(), "toko-disk-"));
	let why: string | undefined;
	smallDisk(place, (line) => {
		why = line;
	});
	rmSync(place, { recursive: true, force: true });
	return why;
}

/** The small disk as the process with this pid sees it. */
export class SmallDisk {
	#path: string;

	constructor(place: string, pid: number) {
		this.#path = `/proc/${pid}/root${place}`;
	}

	/** Makes a folder that belongs to whoever owns `like`. */
	folder(name: string, like: string): void {
		const { uid, gid } = statSync(like);
		mkdirSync(join(this.#path, name));
		chownSync(join(this.#path, name), uid, gid);
	}

	/** Removes a file or folder. */
	remove(name: string): void {
		rmSync(join(this.#path, name), { recursive: true });
	}

	/** Leaves not a byte. */
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
