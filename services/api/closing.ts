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

interface Connection {
	/** False before its first request: load balancers open connections in advance, which Node.js counts as busy. */
	isUsed: boolean;
	/** Response to its newest request, until it is sent; with pipelining, an earlier one may be unsent too. */
	unsent: ServerResponse | undefined;
}

/** Tracks the connections of a server for its shutdown. */
export function closingOf(server: Server): Closing {
	// Changes with connections, not with requests: V8 copies a map again and again that is changed all the time, and keeps
	// everything that was ever in it until the next major garbage collection.
	const open = new Map<Socket, Connection>();
	let isClosing = false;
	let taken = 0;

	server.on("connection", (socket) => {
		taken += 1;
		open.set(socket, { isUsed: false, unsent: undefined });
		socket.once("close", () => open.delete(socket));
	});
	server.prependListener("request", ({ socket }, response) => {
		const connection = open.get(socket);
		if (!connection) {
			return;
		}
		if (isClosing) {
			setConnectionHeader(connection.unsent, false);
			setConnectionHeader(response, true);
		}
		connection.isUsed = true;
		connection.unsent = response;
		response.once("close", () => {
			if (connection.unsent === response) {
				connection.unsent = undefined;
			}
		});
	});

	const unused = () => [...open].filter(([, { isUsed }]) => !isUsed).map(([socket]) => socket);

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
			for (const { unsent } of open.values()) {
				setConnectionHeader(unsent, true);
			}
		},
		async finish() {
			await readWhatHasArrived();
			const closed = new Promise<void>((resolve) => server.close(() => resolve()));
			for (let left = ARRIVAL_MS; left > 0 && unused().length > 0; left -= POLL_MS) {
				await wait(POLL_MS);
			}
			for (const socket of unused()) {
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
