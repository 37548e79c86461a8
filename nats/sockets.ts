import { createRequire } from "node:module";
import type { Socket } from "node:net";

/*
 * A correction of the NATS client (nats 2.29.3, the last version 2). Import it wherever a connection is made.
 *
 * When a server does not answer in time, as while it is frozen, the client gives the dial up, but keeps its socket: the
 * kernel has accepted it, and once the server runs again the forgotten transport takes itself for connected. Nobody reads
 * from it, so it never logs in, and after its `authorization.timeout` the server closes it. The client takes that for the
 * loss of its present connection, which is sound: it dials again, subscribes to everything again, and leaves the present
 * one open. From then on each message is delivered and handled twice, a request as well as an event.
 *
 * The same in version 3: https://github.com/nats-io/nats.js/issues/302
 */

/** One attempt to connect, and what became of it. Its types in the package leave most of this out. */
interface Transport {
	socket?: Socket;
	connected: boolean;
	done: boolean;
	dial: Step;
	tlsFirst: Step;
	startTLS: Step;
	discard(): void;
	disconnect(): void;
	_closed(error?: Error, isInternal?: boolean): Promise<void>;
}

type Step = (this: Transport, ...parameters: unknown[]) => Promise<Socket>;

const { NodeTransport } = createRequire(import.meta.url)("nats/lib/src/node_transport.js") as {
	NodeTransport: { prototype: Transport };
};

const IS_CORRECTED = Symbol.for("toko.nats-sockets");

/** Has every transport that is given up close its socket, at whichever step it is, and say nothing any more. */
function correct(prototype: Transport & { [IS_CORRECTED]?: true }): void {
	if (prototype[IS_CORRECTED]) {
		return;
	}
	prototype[IS_CORRECTED] = true;
	const { _closed } = prototype;
	// The client calls it when a dial has failed or was too slow: while not connected, the original does nothing.
	prototype._closed = async function (error, isInternal) {
		return this.connected ? _closed.call(this, error, isInternal) : giveUp(this);
	};
	// The client calls it before it dials again: there is one transport at a time. The original does nothing.
	prototype.discard = function () {
		giveUp(this);
	};
	// The original waits first until what was sent before is with the kernel: for ever where a silent server's buffers are full.
	prototype.disconnect = function () {
		void this._closed(undefined, false);
	};
	for (const step of ["dial", "tlsFirst", "startTLS"] as const) {
		const original = prototype[step];
		prototype[step] = async function (...parameters) {
			const socket = await original.apply(this, parameters);
			if (this.done) {
				socket.destroy();
				throw new Error("the connection to NATS was given up meanwhile");
			}
			return socket;
		};
	}
}

function giveUp(transport: Transport): void {
	transport.done = true;
	// Its listeners stay: by the end of the socket the step that waits for it fails.
	transport.socket?.destroy();
}

correct(NodeTransport.prototype);
