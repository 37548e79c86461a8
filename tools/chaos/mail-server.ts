import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { parentPort } from "node:worker_threads";
import { SMTPServer } from "smtp-server";

/** A mail that the server has taken. */
export interface Taken {
	/** Its `Message-ID`. */
	id: string;
	/** The number in its subject, such as `#TK-000001`. */
	mark: string | undefined;
	at: number;
}

// A thread of its own, as a mail server is a machine of its own: it takes mails however busy the rest is, and says so.
const server = new SMTPServer({
	authOptional: true,
	disabledCommands: ["STARTTLS"],
	onData: (stream, _session, done) => {
		text(stream).then((mail) => {
			const id = /^Message-ID: (.*)$/im.exec(mail)?.[1] ?? "none";
			const mark = /^Subject: .*(#\S+)/im.exec(mail)?.[1];
			parentPort?.postMessage({ id, mark, at: performance.timeOrigin + performance.now() } satisfies Taken);
			done();
		}, done);
	},
});
// A killed process leaves its connection broken.
server.on("error", () => undefined);
server.listen(0, "127.0.0.1", () => {
	parentPort?.postMessage((server.server.address() as AddressInfo).port);
});
