import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { parentPort } from "node:worker_threads";
import { SMTPServer } from "smtp-server";

/** A mail that the server has accepted. */
export interface AcceptedMail {
	/** Value of its `Message-ID` header. */
	id: string;
	/** Order number in its subject, such as `#TK-000001`. */
	mark: string | undefined;
	at: number;
}

// Runs in its own thread, as a real mail server runs on its own machine: it accepts mails however busy the other
// threads are, and reports them.
const server = new SMTPServer({
	authOptional: true,
	disabledCommands: ["STARTTLS"],
	onData: (stream, _session, done) => {
		text(stream).then((mail) => {
			const id = /^Message-ID: (.*)$/im.exec(mail)?.[1] ?? "none";
			const mark = /^Subject: .*(#\S+)/im.exec(mail)?.[1];
			parentPort?.postMessage({
				id,
				mark,
				at: performance.timeOrigin + performance.now(),
			} satisfies AcceptedMail);
			done();
		}, done);
	},
});
// A killed process resets its connections.
server.on("error", () => undefined);
server.listen(0, "127.0.0.1", () => {
	parentPort?.postMessage((server.server.address() as AddressInfo).port);
});
