import { createServer, connect as dial, type Server, type Socket } from "node:net";

/** A proxy between a process and a server that can interrupt and restore the connection. */
export class TcpProxy {
	port = 0;
	#target: number;
	#server: Server;
	#pairs = new Set<[Socket, Socket]>();
	#isPulled = false;

	constructor(target: number) {
		this.#target = target;
		this.#server = createServer((inner) => this.#connect(inner));
	}

	async open(): Promise<void> {
		await new Promise<void>((done) => this.#server.listen(0, "127.0.0.1", done));
		this.port = (this.#server.address() as { port: number }).port;
	}

	close(): void {
		this.#server.close();
		for (const sockets of this.#pairs) {
			for (const socket of sockets) {
				socket.destroy();
			}
		}
	}

	/** Stops forwarding without closing any connection. */
	pull(): void {
		this.#isPulled = true;
		for (const sockets of this.#pairs) {
			for (const socket of sockets) {
				socket.pause();
			}
		}
	}

	/** Resumes forwarding, including the data sent in the meantime, as TCP would. */
	putBack(): void {
		this.#isPulled = false;
		for (const sockets of this.#pairs) {
			for (const socket of sockets) {
				socket.resume();
			}
		}
	}

	/**
	 * Forwards new connections only. Existing ones stay silent forever, as if a firewall or router had dropped their
	 * state, and the server has closed them.
	 */
	putBackAnew(): void {
		this.#isPulled = false;
		for (const [, outer] of this.#pairs) {
			outer.destroy();
		}
	}

	#connect(inner: Socket): void {
		const outer = dial(this.#target, "127.0.0.1");
		const pair: [Socket, Socket] = [inner, outer];
		this.#pairs.add(pair);
		inner.on("data", (chunk) => void outer.write(chunk));
		outer.on("data", (chunk) => void inner.write(chunk));
		inner.on("error", () => undefined);
		outer.on("error", () => undefined);
		inner.on("close", () => {
			outer.destroy();
			this.#pairs.delete(pair);
		});
		outer.on("close", () => {
			// A dropped connection is not closed.
			if (!inner.isPaused()) {
				inner.destroy();
			}
		});
		if (this.#isPulled) {
			inner.pause();
			outer.pause();
		}
	}
}
