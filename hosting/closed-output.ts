/*
 * Imported by all commands (cli/startup/startup-checks.ts). A closed terminal or pipe, such as that of `| head -1`,
 * rejects further output. Without a listener, the second failed write would end the process in the middle of its work.
 */
for (const stream of [process.stdout, process.stderr]) {
	stream.on("error", () => undefined);
}

/** Calls `listener` when output is written to a pipe that its reader has closed. */
export function onClosedOutput(listener: () => void): void {
	process.stdout.on("error", ({ code }: NodeJS.ErrnoException) => {
		if (code === "EPIPE") {
			listener();
		}
	});
}
