import { settings } from "../../config/settings.ts";
import type { Channel, ChannelName } from "./channel.ts";
import { byEmail } from "./email.ts";
import { intoMailbox } from "./mailbox.ts";
import { bySms } from "./sms.ts";

export type Channels = { [N in ChannelName]?: Channel };

/**
 * Returns the channels that the environment configures: a server or provider, otherwise the mailbox. In production
 * there is no mailbox.
 */
export function openChannels(): Channels {
	const { smtpUrl, smsUrl, isProduction } = settings;
	return {
		...(isProduction
			? {}
			: {
					email: intoMailbox((address) => address),
					sms: intoMailbox((number) => `${number}@sms.invalid`),
				}),
		...(smtpUrl ? { email: byEmail(smtpUrl) } : {}),
		...(smsUrl ? { sms: bySms(smsUrl) } : {}),
	};
}
