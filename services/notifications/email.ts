import { createTransport, type SendMailOptions } from "nodemailer";
import { settings } from "../../config/settings.ts";
import { type Channel, type Message, Refused } from "./channel.ts";
import { isFinalRefusal, type SmtpAnswer } from "./smtp-refusals.ts";

const TIMEOUT_MS = 30_000;

/** Returns a channel that sends mails over SMTP. */
export function byEmail(url: string): Channel {
	const address = new URL(url);
	// Connections are reused.
	const options = {
		pool: "true",
		connectionTimeout: "5000",
		greetingTimeout: "5000",
		socketTimeout: "10000",
	};
	for (const [name, value] of Object.entries(options)) {
		if (!address.searchParams.has(name)) {
			address.searchParams.set(name, value);
		}
	}
	const transport = createTransport(address.href, {
		from: settings.mailFrom,
		disableFileAccess: true,
		disableUrlAccess: true,
	});
	return {
		async send(message) {
			// Also limits a server that responds, but so slowly that no timeout of the connection applies.
			const timeout = new AbortController();
			const timer = setTimeout(() => timeout.abort(), TIMEOUT_MS);
			try {
				await transport.sendMail({ ...asMail(message), signal: timeout.signal } as SendMailOptions);
			} catch (error) {
				if (timeout.signal.aborted) {
					throw new Error(`the mail server did not accept it within ${TIMEOUT_MS / 1000} s`);
				}
				throw isFinalRefusal(error as SmtpAnswer) ? new Refused((error as Error).message) : error;
			} finally {
				clearTimeout(timer);
			}
		},
		close: () => transport.close(),
	};
}

/** Converts a message for nodemailer. Its `Message-ID` is derived from its id, so that duplicates can be detected. */
export function asMail({ id, ...mail }: Message): SendMailOptions {
	return { ...mail, messageId: `<${id}@toko>` };
}
