import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";

const SIZE = "1G";

/**
 * A file system on its own block device. Its copy contains the data written to the device at that moment, without the
 * data still cached in memory, as after a power cut.
 */
export class BlockDevice {
	readonly place: string;
	#image: string;
	#device: string;

	private constructor(place: string, image: string, device: string) {
		this.place = place;
		this.#image = image;
		this.#device = device;
	}

	/** Creates a device with an empty file system, mounted at `place`. */
	static make(place: string): BlockDevice {
		const image = join(mkdtempSync(join(tmpdir(), "toko-device-")), "image");
		command("truncate", "--size", SIZE, image);
		command("mkfs.ext4", "-q", "-F", image);
		return BlockDevice.#mounted(place, image);
	}

	static #mounted(place: string, image: string): BlockDevice {
		mkdirSync(place, { recursive: true });
		const device = command("losetup", "--find", "--show", image).trim();
		command("mount", device, place);
		return new BlockDevice(place, image, device);
	}

	/**
	 * Copies the device. No process may write files at the same time; if the system itself wrote, the copy is repeated.
	 */
	copy(): string {
		const copied = `${this.#image}-copy`;
		for (;;) {
			const before = this.#writes();
			command("cp", "--sparse=always", this.#image, copied);
			if (this.#writes() === before) {
				return copied;
			}
		}
	}

	/** Removes the device and mounts the copy in its place. */
	replaceBy(copied: string): BlockDevice {
		this.#unmount();
		rmSync(this.#image);
		return BlockDevice.#mounted(this.place, copied);
	}

	remove(): void {
		this.#unmount();
		rmSync(join(this.#image, ".."), { recursive: true });
	}

	#unmount(): void {
		// A process that was just killed may still use it for a moment.
		command("umount", "--lazy", this.place);
		command("losetup", "--detach", this.#device);
	}

	/** Returns the number of completed writes of the device. */
	#writes(): string | undefined {
		return readFileSync(`/sys/block/${basename(this.#device)}/stat`, "utf8")
			.trim()
			.split(/\s+/)[4];
	}
}

/** Returns the reason why this machine supports no block devices; undefined if it does. */
export function whyNoBlockDevice(): string | undefined {
	const place = mkdtempSync(join(tmpdir(), "toko-device-place-"));
	try {
		BlockDevice.make(place).remove();
		return undefined;
	} catch (error) {
		return (error as Error).message;
	} finally {
		rmSync(place, { recursive: true, force: true });
	}
}

function command(program: string, ...args: string[]): string {
	const { status, stdout, stderr, error } = spawnSync(program, args, { encoding: "utf8", timeout: 60_000 });
	if (status !== 0) {
		throw new Error(`${program}: ${error?.message ?? stderr.trim()}`);
	}
	return stdout;
}
