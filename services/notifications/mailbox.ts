import { mkdir, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createTransport } from "nodemailer";
import { settings } from "../../config/settings.ts";
import type { Channel } from "./channel.ts";
import { asMail } from "./email.ts";

/**
 * Returns the channel for development: it writes each message to a file in `TOKO_DIR/mailbox`, shown at `/dev/mailbox`.
 *
 * @param addressOf Converts a recipient to a mail address.
 */
export function intoMailbox(addressOf: (to: string) => string): Channel {
	const folder = join(settings.directory, "mailbox");
	const transport = createTransport({ streamTransport: true, buffer: true }, { from: settings.mailFrom });
	return {
		async send(message) {
			const mail = await transport.sendMail(asMail({ ...message, to: addressOf(message.to) }));
			const name = `${message.id}.eml`;
			await mkdir(folder, { recursive: true });
			await writeFile(join(folder, `.${name}`), mail.message as Buffer, { mode: 0o600 });
			await rename(join(folder, `.${name}`), join(folder, name));
		},
		close: () => transport.close(),
	};
}
