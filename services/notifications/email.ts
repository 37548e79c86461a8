import { createTransport, type SendMailOptions } from "nodemailer";
import { settings } from "../../mixins/settings.ts";
import { type Channel, type Message, Refused } from "./channel.ts";

/** Mails over SMTP. */
export function byEmail(url: string): Channel {
	const address = new URL(url);
	// Connections stay open between mails; a server that does not answer holds a job up for no longer than this.
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
			await transport.sendMail(asMail(message)).catch((error: Error) => {
				throw isForGood(error) ? new Refused(error.message) : error;
			});
		},
		close: () => transport.close(),
	};
}

/** A message as nodemailer takes it. Its `Message-ID` comes from its id, so that a mail sent twice can be told. */
export function asMail({ id, ...mail }: Message): SendMailOptions {
	return { ...mail, messageId: `<${id}@toko>` };
}

/** Whether the server refused this mail or its recipient, and will again. */
function isForGood(error: Error): boolean {
	const { code, responseCode = 0 } = error as { code?: string; responseCode?: number };
	return (code === "EENVELOPE" || code === "EMESSAGE") && responseCode >= 500;
}
