import { settings } from "../../config/settings.ts";
import type { Channel, ChannelName } from "./channel.ts";
import { byEmail } from "./email.ts";
import { intoMailbox } from "./mailbox.ts";
import { bySms } from "./sms.ts";

export type Channels = { [N in ChannelName]?: Channel };

/**
 * The channels as the environment sets them up: by server and provider or, where it names none, into the mailbox. In
 * production there is no mailbox.
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
