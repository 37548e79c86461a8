import type { Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { setImmediate as polled } from "node:timers/promises";

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

	server.on("connection", (socket) => {
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

	return {
		begin() {
			isClosing = true;
			for (const response of unanswered.values()) {
				sayLast(response, true);
			}
		},
		async finish() {
			// What has reached this machine is read first: between the two is a look at all sockets.
			await polled();
			await polled();
			const closed = new Promise<void>((resolve) => server.close(() => resolve()));
			for (const socket of unused) {
				socket.destroy();
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
