import type { Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { setImmediate as polled, setTimeout as wait } from "node:timers/promises";

/** What is on its way when the end comes has this long to arrive. */
const ARRIVAL_MS = 250;
const LOOK_EVERY_MS = 10;

/** Ends a server so that no request that has arrived goes without its answer. */
export interface Closing {
	/** From now on, each connection ends with its next answer. */
	begin(): void;
	/** Closes the connections that wait for nothing; resolves when the last answer is out. */
	finish(): Promise<void>;
}

/** Follows the connections of a server, for its end. */
export function closingOf(server: Server): Closing {
	/** Balancers open connections in advance; Node.js counts them as busy. */
	const unused = new Set<Socket>();
	/** The newest request of each connection: an earlier one may be unanswered too, where they are pipelined. */
	const unanswered = new Map<Socket, ServerResponse>();
	let isClosing = false;
	let taken = 0;

	server.on("connection", (socket) => {
		taken += 1;
		unused.add(socket);
		socket.once("close", () => unused.delete(socket));
	});
	server.prependListener("request", ({ socket }, response) => {
		unused.delete(socket);
		if (isClosing) {
			sayLast(unanswered.get(socket), false);
			sayLast(response, true);
		}
		unanswered.set(socket, response);
		response.once("close", () => {
			if (unanswered.get(socket) === response) {
				unanswered.delete(socket);
			}
		});
	});

	/** Waits until two looks at all sockets in a row have shown no new connection; a look takes one of those that wait. */
	async function readWhatHasArrived(): Promise<void> {
		const deadline = Date.now() + ARRIVAL_MS;
		for (let quiet = 0; quiet < 2 && Date.now() < deadline; ) {
			const before = taken;
			await polled();
			quiet = taken === before ? quiet + 1 : 0;
		}
	}

	return {
		begin() {
			isClosing = true;
			for (const response of unanswered.values()) {
				sayLast(response, true);
			}
		},
		async finish() {
			await readWhatHasArrived();
			const closed = new Promise<void>((resolve) => server.close(() => resolve()));
			for (let left = ARRIVAL_MS; left > 0 && unused.size > 0; left -= LOOK_EVERY_MS) {
				await wait(LOOK_EVERY_MS);
			}
			for (const socket of unused) {
				// Of a request that has begun the rest is waited for.
				if (socket.bytesRead === 0) {
					socket.destroy();
				}
			}
			await closed;
		},
	};
}

function sayLast(response: ServerResponse | undefined, isLast: boolean): void {
	if (response && !response.headersSent) {
		response.setHeader("Connection", isLast ? "close" : "keep-alive");
	}
}
