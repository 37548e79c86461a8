import "./shop/one-line.ts";

import { parseArgs } from "node:util";
import { notifications } from "../contracts/notifications.ts";
import { StartError } from "../infra/parts.ts";
import { withShop } from "./shop/attached.ts";
import { fail } from "./shop/one-line.ts";
import { listFailedMails, retryMails } from "./shop/operator-commands.ts";

/** `npm run mails [-- retry [--type TYPE] [--since MOMENT]]`: the messages that failed for good, and another try. */
async function start(): Promise<void> {
	const { retry, type, since } = read(process.argv.slice(2));
	await withShop(notifications, (broker) =>
		retry ? retryMails(broker, type, since) : listFailedMails(broker),
	);
}

function read(args: string[]): { retry: boolean; type?: string | undefined; since?: string | undefined } {
	try {
		const { positionals, values } = parseArgs({
			args,
			allowPositionals: true,
			options: { type: { type: "string" }, since: { type: "string" } },
		});
		const retry = positionals[0] === "retry";
		if (positionals.length > (retry ? 1 : 0) || (!retry && Object.keys(values).length > 0)) {
			throw new Error("unknown arguments");
		}
		return { retry, ...values };
	} catch {
		throw new StartError(
			"npm run mails lists what failed for good; npm run mails -- retry [--type order_paid] [--since 2026-11-23] sends it again",
		);
	}
}

await start().catch(fail);
process.exit();
