import type { Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { setImmediate as polled, setTimeout as wait } from "node:timers/promises";

/** Time for data in flight to arrive during a shutdown. */
const ARRIVAL_MS = 250;
const POLL_MS = 10;

/** Closes a server so that every request that has arrived gets its response. */
export interface Closing {
	/** From now on, closes each connection with its next response. */
	begin(): void;
	/** Closes idle connections; resolves after the last response. */
	finish(): Promise<void>;
}

/** Tracks the connections of a server for its shutdown. */
export function closingOf(server: Server): Closing {
	/** Connections without a request, which load balancers open in advance; Node.js counts them as busy. */
	const unused = new Set<Socket>();
	/** Newest request of each connection; with pipelining, an earlier one may be unanswered too. */
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
			setConnectionHeader(unanswered.get(socket), false);
			setConnectionHeader(response, true);
		}
		unanswered.set(socket, response);
		response.once("close", () => {
			if (unanswered.get(socket) === response) {
				unanswered.delete(socket);
			}
		});
	});

	/**
	 * Waits until two consecutive polls of all sockets have accepted no new connection; a poll accepts one of those
	 * waiting.
	 */
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
				setConnectionHeader(response, true);
			}
		},
		async finish() {
			await readWhatHasArrived();
			const closed = new Promise<void>((resolve) => server.close(() => resolve()));
			for (let left = ARRIVAL_MS; left > 0 && unused.size > 0; left -= POLL_MS) {
				await wait(POLL_MS);
			}
			for (const socket of unused) {
				// If a request has begun, wait for the rest of it.
				if (socket.bytesRead === 0) {
					socket.destroy();
				}
			}
			await closed;
		},
	};
}

function setConnectionHeader(response: ServerResponse | undefined, isLast: boolean): void {
	if (response && !response.headersSent) {
		response.setHeader("Connection", isLast ? "close" : "keep-alive");
	}
}
