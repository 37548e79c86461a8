import { randomInt } from "node:crypto";
import { createServer } from "node:net";
import { StartError } from "./start-error.ts";

/** Tells whether a server could listen on the port now. */
async function isFree(port: number): Promise<boolean> {
	return new Promise((resolve) => {
		const server = createServer();
		server.once("error", () => resolve(false));
		server.listen({ port, host: "127.0.0.1", exclusive: true }, () => server.close(() => resolve(true)));
	});
}

/**
 * Returns the preferred port if it is free, otherwise a random free one. The range is below 32768, the lowest port that
 * systems use for outgoing connections, so that no browser takes a remembered port while the shop is down.
 */
export async function choosePort(wish?: number): Promise<number> {
	if (wish !== undefined && (await isFree(wish))) {
		return wish;
	}
	for (let attempt = 0; attempt < 200; attempt++) {
		const port = randomInt(15000, 32000);
		if (await isFree(port)) {
			return port;
		}
	}
	throw new StartError("no free port between 15000 and 32000 on 127.0.0.1: is networking available here?");
}
