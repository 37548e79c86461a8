import { type AddressInfo, createServer, type Socket } from "node:net";
import { parentPort, workerData } from "node:worker_threads";

/** A mail that the sink has accepted. */
export interface SunkMail {
	/** Order number in the subject, such as `#TK-000001`; undefined if there is none. */
	mark: string | undefined;
	/** Time of its last byte, in milliseconds since the Unix epoch. */
	at_ms: number;
}

const REPORT_EVERY_MS = 20;

/**
 * A mail server in a worker thread. It accepts every mail and reports its time of arrival. Posts its port first, then
 * arrays of `SunkMail`. It does little work per mail, so that it does not distort the measurement.
 */
const reportsMails = workerData !== "silent";
let mails: SunkMail[] = [];

if (reportsMails) {
	setInterval(() => {
		if (mails.length > 0) {
			parentPort?.postMessage(mails);
			mails = [];
		}
	}, REPORT_EVERY_MS);
}

const server = createServer({ noDelay: true }, serve);
server.listen(0, "127.0.0.1", () => parentPort?.postMessage((server.address() as AddressInfo).port));

/** Serves the subset of SMTP (RFC 5321) that clients need, with pipelining (RFC 2920) and without TLS. */
function serve(socket: Socket): void {
	let received = "";
	let isData = false;
	socket.setEncoding("latin1");
	socket.on("error", () => socket.destroy());
	socket.write("220 sink ESMTP\r\n");
	socket.on("data", (chunk: string) => {
		received += chunk;
		let replies = "";
		for (;;) {
			const terminator = isData ? "\r\n.\r\n" : "\r\n";
			const end = received.indexOf(terminator);
			if (end === -1) {
				break;
			}
			const text = received.slice(0, end);
			received = received.slice(end + terminator.length);
			if (isData) {
				isData = false;
				accept(text);
				replies += "250 2.0.0 accepted\r\n";
			} else {
				const verb = text.slice(0, 4).toUpperCase();
				isData = verb === "DATA";
				replies += reply(verb);
			}
		}
		if (replies !== "") {
			socket.write(replies);
		}
	});
}

function accept(mail: string): void {
	if (reportsMails) {
		const at_ms = performance.timeOrigin + performance.now();
		mails.push({ mark: /^Subject: .*(#\S+)/im.exec(mail)?.[1], at_ms });
	}
}

function reply(verb: string): string {
	switch (verb) {
		case "EHLO":
			return "250-sink\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 SMTPUTF8\r\n";
		case "DATA":
			return "354 go on\r\n";
		case "QUIT":
			return "221 2.0.0 bye\r\n";
		default:
			return "250 2.0.0 ok\r\n";
	}
}
