import { spawn } from "node:child_process";
import { chmodSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { searchPath } from "../../config/node-env.mjs";
import { type Command, cleanUp, follow, newFolder } from "../../tools/shop-process.ts";
import { image, layOut, letWrite, linkOrCopy } from "./image.ts";

/** The user `node` of the image. */
const NODE_USER = 1000;

/** The files of the image in a folder, from which programs run as a container of the image would run them. */
export class ImageCopy {
	/** The folder around the image, with the home of its user. */
	folder!: string;
	/** The image's `WORKDIR`. */
	files!: string;
	#program!: string;
	#home!: string;

	make(): void {
		this.folder = newFolder();
		chmodSync(this.folder, 0o755);
		this.files = join(this.folder, "toko");
		mkdirSync(this.files);
		layOut(this.files);
		this.#program = join(this.folder, "node");
		linkOrCopy(process.execPath, this.#program);
		this.#home = join(this.folder, "home");
		mkdirSync(this.#home, { mode: 0o555 });
	}

	async remove(): Promise<void> {
		letWrite(this.files);
		await cleanUp();
	}

	/** Runs Node as a container of the image would. */
	node(args: string[], environment: Record<string, string> = {}, input?: string): Command {
		const child = spawn(this.#program, args, {
			cwd: this.files,
			detached: true,
			env: {
				...{ PATH: searchPath, HOME: this.#home, TMPDIR: this.#home },
				...image.environment,
				...environment,
			},
			stdio: [input === undefined ? "ignore" : "pipe", "pipe", "pipe"],
			...(process.getuid?.() === 0 ? { uid: NODE_USER, gid: NODE_USER } : {}),
		});
		child.stdin?.end(input);
		return follow(child);
	}

	/** Runs Node to its end. */
	async result(args: string[], environment: Record<string, string> = {}, input?: string) {
		const command = this.node(args, environment, input);
		const code = await command.ended();
		return { code, output: command.output(), errors: command.errors() };
	}
}
