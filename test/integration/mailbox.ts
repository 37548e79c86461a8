import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { ServiceBroker } from "moleculer";
import PostalMime from "postal-mime";
import { settings } from "../../config/settings.ts";
import { callAction } from "../../contracts/actions.ts";
import { asService } from "../../middlewares/permissions.ts";
import { eventually, type Person } from "./shop.ts";

/** Waits for `count` mails of this type to a person. Returns their texts as stored in the mailbox. */
export async function mailsTo(
	broker: ServiceBroker,
	person: Person,
	type: string,
	count = 1,
): Promise<string[]> {
	const found = await eventually(`${count} mails ${type}`, async () => {
		const { items: all } = await callAction(broker, "v1.notifications.list", { limit: 100 }, asService());
		const sent = all.filter((one) => one.user_id === person.id && one.type === type && one.status === "sent");
		return sent.length >= count && sent;
	});
	return Promise.all(found.map(({ id }) => textOf(id)));
}

async function textOf(id: string): Promise<string> {
	const file = await readFile(join(settings.directory, "mailbox", `${id}.eml`));
	return (await PostalMime.parse(file)).text ?? "";
}

/** Returns the token in the text of a mail. */
export const tokenIn = (text: string | undefined) =>
	/^(verify|change|reset)\.\S+$/m.exec(text ?? "")?.[0] as string;
