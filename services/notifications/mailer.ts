import { mkdir, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createTransport, type SendMailOptions } from "nodemailer";
import { settings } from "../../mixins/settings.ts";

/** Sends one mail, or throws; sending the same mail again is harmless because its `Message-ID` is the same. */
export type Mailer = (mail: SendMailOptions & { messageId: string }) => Promise<void>;

/** By SMTP where `SMTP_URL` is set, else into the mailbox: a file for each mail in `TOKO_DIR/mailbox`. */
export function createMailer(): Mailer {
	return settings.smtpUrl ? bySmtp(settings.smtpUrl) : intoMailbox(join(settings.directory, "mailbox"));
}

function bySmtp(url: string): Mailer {
	const transport = createTransport(url, {
		from: settings.mailFrom,
	});
	return async (mail) => {
		await transport.sendMail(mail);
	};
}

function intoMailbox(folder: string): Mailer {
	const transport = createTransport({ streamTransport: true, buffer: true }, { from: settings.mailFrom });
	return async (mail) => {
		const { message } = await transport.sendMail(mail);
		const name = `${mail.messageId.replace(/[^A-Za-z0-9-]/g, "_")}.eml`;
		await mkdir(folder, { recursive: true });
		await writeFile(join(folder, `.${name}`), message as Buffer, { mode: 0o600 });
		await rename(join(folder, `.${name}`), join(folder, name));
	};
}
