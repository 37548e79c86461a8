import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";

const SIZE = "1G";

/**
 * A file system on a block device of its own, which can be copied as it is at a moment: the copy has what was written to
 * the device, and nothing of what the system still kept in memory, as after a power cut.
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

	/** Makes a device with an empty file system, mounted at `place`. */
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

	/** Copies the device as it is. Nothing may be writing files meanwhile; where the system itself wrote, it is copied again. */
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

	/** Takes the device away and mounts the copy in its place. */
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
		// Who has just been killed may still be on it for a moment.
		command("umount", "--lazy", this.place);
		command("losetup", "--detach", this.#device);
	}

	/** How many writes the device has completed. */
	#writes(): string | undefined {
		return readFileSync(`/sys/block/${basename(this.#device)}/stat`, "utf8")
			.trim()
			.split(/\s+/)[4];
	}
}

/** Why no block device can be had on this machine; undefined where it can. */
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
