import { mkdir, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createTransport, type SendMailOptions } from "nodemailer";
import { settings } from "../../mixins/settings.ts";

/** A message that its recipient's server does not take and never will. */
export class Refused extends Error {}

export interface Mailer {
	/**
	 * Sends one mail; sending the same mail again is harmless because its `Message-ID` is the same.
	 *
	 * @throws Refused where trying again is in vain; anything else may pass.
	 */
	send(mail: SendMailOptions & { messageId: string }): Promise<void>;
	close(): void;
}

/** By SMTP where `SMTP_URL` is set, else into the mailbox: a file for each mail in `TOKO_DIR/mailbox`. */
export function createMailer(): Mailer {
	return settings.smtpUrl ? bySmtp(settings.smtpUrl) : intoMailbox(join(settings.directory, "mailbox"));
}

function bySmtp(url: string): Mailer {
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
		send: async (mail) => {
			await transport.sendMail(mail).catch((error: Error) => {
				throw isForGood(error) ? new Refused(error.message) : error;
			});
		},
		close: () => transport.close(),
	};
}

/** Whether the server refused this mail or its recipient, and will again. */
function isForGood(error: Error): boolean {
	const { code, responseCode = 0 } = error as { code?: string; responseCode?: number };
	return (code === "EENVELOPE" || code === "EMESSAGE") && responseCode >= 500;
}

function intoMailbox(folder: string): Mailer {
	const transport = createTransport({ streamTransport: true, buffer: true }, { from: settings.mailFrom });
	const send = async (mail: Parameters<Mailer["send"]>[0]) => {
		const { message } = await transport.sendMail(mail);
		const name = `${mail.messageId.replace(/[^A-Za-z0-9-]/g, "_")}.eml`;
		await mkdir(folder, { recursive: true });
		await writeFile(join(folder, `.${name}`), message as Buffer, { mode: 0o600 });
		await rename(join(folder, `.${name}`), join(folder, name));
	};
	return { send, close: () => transport.close() };
}
