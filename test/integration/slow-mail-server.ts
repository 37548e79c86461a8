import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { SMTPServer } from "smtp-server";

/** A mail server that has a mail before it says so. */
export interface SlowMailServer {
	/** For `SMTP_URL`. */
	url: string;
	/** Recipients of the mails that it has, in their order. */
	received: string[];
	/** Their ids, by `Message-ID`. */
	ids: string[];
	/** Mails are accepted when this resolves. */
	accepting: Promise<unknown>;
	close(): Promise<void>;
}

/** Starts a mail server on a free port of loopback. */
export async function startSlowMailServer(): Promise<SlowMailServer> {
	const server = new SMTPServer({
		authOptional: true,
		disabledCommands: ["STARTTLS"],
		onData(stream, { envelope }, done) {
			text(stream)
				.then((mail) => {
					mails.ids.push(/^Message-ID: <(.+)@toko>/im.exec(mail)?.[1] as string);
					mails.received.push(...envelope.rcptTo.map(({ address }) => address));
					return mails.accepting;
				})
				.then(() => done(), done);
		},
	});
	server.on("error", () => undefined);
	await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
	const mails: SlowMailServer = {
		url: `smtp://127.0.0.1:${(server.server.address() as AddressInfo).port}`,
		received: [],
		ids: [],
		accepting: Promise.resolve(),
		close: () => new Promise<void>((resolve) => server.close(resolve)),
	};
	return mails;
}
