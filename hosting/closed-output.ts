/*
 * Imported by all commands (cli/startup/startup-checks.ts). A terminal or pipe that was closed, as that of `| head -1`, takes no more lines;
 * without a listener the second one would end the process in the middle of its work.
 */
for (const stream of [process.stdout, process.stderr]) {
	stream.on("error", () => undefined);
}

/** Calls `listener` when a line is printed that nobody reads any more, since the other end of the pipe is closed. */
export function onClosedOutput(listener: () => void): void {
	process.stdout.on("error", ({ code }: NodeJS.ErrnoException) => {
		if (code === "EPIPE") {
			listener();
		}
	});
}
