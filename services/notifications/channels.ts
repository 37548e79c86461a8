import { settings } from "../../mixins/settings.ts";
import type { Channel, ChannelName } from "./channel.ts";
import { byEmail } from "./email.ts";
import { intoMailbox } from "./mailbox.ts";
import { bySms } from "./sms.ts";

/** Every channel as the environment sets it up; into the mailbox where it names no server or provider. */
export function openChannels(): Record<ChannelName, Channel> {
	const { smtpUrl, smsUrl } = settings;
	return {
		email: smtpUrl ? byEmail(smtpUrl) : intoMailbox((address) => address),
		sms: smsUrl ? bySms(smsUrl) : intoMailbox((number) => `${number}@sms.invalid`),
	};
}
