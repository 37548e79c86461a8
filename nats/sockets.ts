import { createRequire } from "node:module";
import type { Socket } from "node:net";

/*
 * Fixes a defect of the NATS client (nats 2.29.3, the last version 2). Import it wherever a connection is made.
 *
 * When a server does not respond in time, for example while it is frozen, the client abandons the connection attempt
 * but leaves its socket open. The kernel has accepted the connection, so once the server runs again the abandoned
 * transport considers itself connected. Nothing reads from it, so it never logs in, and the server closes it after its
 * `authorization.timeout`. The client takes that for the loss of its current connection, which is healthy: it connects
 * again, repeats all subscriptions, and leaves the current connection open. From then on each message is delivered and
 * handled twice, requests as well as events.
 *
 * Version 3 has the same defect: https://github.com/nats-io/nats.js/issues/302
 */

/** One connection attempt and its outcome. The package's types lack most of it. */
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

/** Makes every abandoned transport close its socket, at any step, and report nothing any more. */
function correct(prototype: Transport & { [IS_CORRECTED]?: true }): void {
	if (prototype[IS_CORRECTED]) {
		return;
	}
	prototype[IS_CORRECTED] = true;
	const { _closed } = prototype;
	// The client calls it when a connection attempt has failed or timed out. The original does nothing unless connected.
	prototype._closed = async function (error, isInternal) {
		return this.connected ? _closed.call(this, error, isInternal) : giveUp(this);
	};
	// The client calls it before the next attempt, so that there is one transport at a time. The original does nothing.
	prototype.discard = function () {
		giveUp(this);
	};
	// The original first waits until pending data is sent, which never happens if the buffers to a silent server are
	// full.
	prototype.disconnect = function () {
		void this._closed(undefined, false);
	};
	for (const step of ["dial", "tlsFirst", "startTLS"] as const) {
		const original = prototype[step];
		prototype[step] = async function (...parameters) {
			const socket = await original.apply(this, parameters);
			if (this.done) {
				socket.destroy();
				throw new Error("the connection attempt to NATS was abandoned");
			}
			return socket;
		};
	}
}

function giveUp(transport: Transport): void {
	transport.done = true;
	// The listeners stay: the end of the socket fails the step that waits for it.
	transport.socket?.destroy();
}

correct(NodeTransport.prototype);
