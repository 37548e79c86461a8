import { randomUUID } from "node:crypto";
import type { ServiceBroker } from "moleculer";
import { getBorderCharacters, table } from "table";
import { type ActionName, allActions, callAction, withKey } from "../../contracts/actions.ts";
import { StartError } from "../../infra/backing-services.ts";
import { asService } from "../../middlewares/permissions.ts";
import { MESSAGES } from "../../services/notifications/messages.ts";
import type { Operator } from "./operator.ts";

interface Command {
	command: string;
	description: string;
	action(broker: ServiceBroker, args: Record<string, string | undefined>): Promise<void>;
}

type OutboxAction = Extract<ActionName, `${string}.outbox`>;

/** Services that store jobs and events in an outbox. */
const WITH_OUTBOX = [...allActions().keys()].filter((name): name is OutboxAction => name.endsWith(".outbox"));

/** Returns Toko's REPL commands, in addition to Moleculer's own. */
export function operatorCommands(operator: Operator): Command[] {
	const commands: Command[] = [
		{
			command: "as [email]",
			description: "Act as a user in the calls that follow; without an address as nobody",
			action: async (_broker, { email }) => {
				await operator.actAs(email);
				const { acts_as } = operator;
				console.log(acts_as ? `acting as ${acts_as.email} (${acts_as.role})` : "acting as nobody");
			},
		},
		{
			command: "stock <product>",
			description: "Stock and holds of products, by id, sku or a part of the name",
			action: async (broker, { product = "" }) => {
				const rows = await callAction(broker, "v1.products.stock", { product }, asService());
				print(["id", "sku", "name", "stock", "held", "supplied"], rows);
			},
		},
		{
			command: "ledger <product>",
			description: "Where the units of a product come from, by its id or sku",
			action: async (broker, { product = "" }) => {
				const { entries, ...row } = await callAction(broker, "v1.products.ledger", { product }, asService());
				print(["id", "sku", "name", "supplied"], [row]);
				print(["at", "reason", "quantity", "by", "id"], entries);
			},
		},
		{
			command: "order <id>",
			description: "An order, by id or number",
			action: async (broker, { id = "" }) => {
				const { items, ...order } = await callAction(broker, "v1.orders.find", { id }, asService());
				print(["number", "status", "user_id", "total", "currency", "created_at", "expires_at"], [order]);
				print(["product_id", "name", "quantity", "price", "subtotal"], items);
			},
		},
		{
			command: "outbox",
			description: "Events and jobs that are still to be done, service by service",
			action: async (broker) => {
				const rows = await Promise.all(
					WITH_OUTBOX.map(async (action) =>
						(await callAction(broker, action, {}, asService())).map((job) => ({
							service: action.split(".")[1],
							...job,
						})),
					),
				);
				print(["service", "task", "attempts", "run_at", "last_error"], rows.flat());
			},
		},
		{
			command: "mails",
			description: "The newest messages and what became of them",
			action: async (broker) => {
				const { items } = await callAction(broker, "v1.notifications.list", { limit: 20 }, asService());
				print(["created_at", "type", "channel", "recipient", "subject", "status", "sent_at"], items);
			},
		},
		{
			command: "failed-mails",
			description: "How many messages failed for good, by type, and why",
			action: listFailedMails,
		},
		{
			command: "retry-mails [type] [since]",
			description:
				"Send messages that failed for good again: all, those of a type, or that failed since a moment",
			action: (broker, { type, since }) => retryMails(broker, type, since),
		},
		{
			command: "dead-letters",
			description: "Events that could not be handled, and why",
			action: listDeadLetters,
		},
		{
			command: "retry <id>",
			description: "Handle a dead letter after all, by its id; `retry all` for all of them",
			action: (broker, { id = "" }) => retryDeadLetters(broker, id),
		},
	];
	return commands.map(sayingWhatWentWrong);
}

/** Prints the messages that failed for good, by type. */
export async function listFailedMails(broker: ServiceBroker): Promise<void> {
	const rows = await callAction(broker, "v1.notifications.failed", {}, asService());
	print(["type", "failed", "last_failed_at", "reason"], rows);
}

/**
 * Queues messages that failed for good again, and prints how many.
 *
 * @param type Only messages of this type, such as `order_paid`.
 * @param since Only messages that failed at or after this time: `2026-11-23` (UTC) or `2026-11-23T08:00:00+07:00`.
 * @throws StartError for an unknown type or an invalid time.
 */
export async function retryMails(broker: ServiceBroker, type?: string, since?: string): Promise<void> {
	const which = whichMails(type, since);
	let queued = 0;
	for (let after: string | null | undefined; after !== null; ) {
		const batch = await callAction(broker, "v1.notifications.retryFailed", { ...which, after }, asService());
		queued += batch.queued;
		after = batch.next;
	}
	console.log(`${queued} messages are queued again`);
}

/** Validates and normalizes the arguments of `retryMails`, with the same errors. */
export function whichMails(type?: string, since?: string) {
	const types: string[] = Object.values(MESSAGES).map((message) => message.type);
	if (type !== undefined && !types.includes(type)) {
		throw new StartError(`there is no message of type ${type}: there are ${types.sort().join(", ")}`);
	}
	return { type, since: since === undefined ? undefined : momentOf(since) };
}

/** Unambiguous formats only: a day in UTC, or a time with its UTC offset. */
const MOMENT = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d))?$/;

function momentOf(text: string): string {
	const moment = new Date(text);
	const day = text.slice(0, 10);
	// `new Date` accepts 31 February as 3 March.
	if (!MOMENT.test(text) || Number.isNaN(moment.getTime()) || !isDay(day)) {
		throw new StartError(
			`${JSON.stringify(text)} is no moment: write a day such as 2026-11-23, or 2026-11-23T08:00:00+07:00`,
		);
	}
	return moment.toISOString();
}

function isDay(day: string): boolean {
	const moment = new Date(`${day}T00:00:00Z`);
	return !Number.isNaN(moment.getTime()) && moment.toISOString().startsWith(day);
}

/** Prints the dead letters. */
export async function listDeadLetters(broker: ServiceBroker): Promise<void> {
	const rows = await callAction(broker, "v1.notifications.deadLetters", { limit: 100 }, asService());
	print(["id", "failed_at", "name", "tries", "error"], rows);
}

/**
 * Handles one dead letter again, or the newest 100 for `all`, and prints the result of each.
 *
 * @throws StartError if any failed again, after all were tried.
 */
export async function retryDeadLetters(broker: ServiceBroker, which: string): Promise<void> {
	const letters =
		which === "all"
			? await callAction(broker, "v1.notifications.deadLetters", { limit: 100 }, asService())
			: [{ id: which }];
	let failed = 0;
	for (const { id } of letters) {
		try {
			const options = { ...asService(), ...withKey("v1.notifications.retryDeadLetter", randomUUID()) };
			const { name } = await callAction(broker, "v1.notifications.retryDeadLetter", { id }, options);
			console.log(`${name} ${id} was handled`);
		} catch (error) {
			failed++;
			console.error(`${id}: ${(error as Error).message}`);
		}
	}
	if (failed > 0) {
		throw new StartError(`${failed} of ${letters.length} dead letters could not be handled`);
	}
}

/** Makes a command print one line instead of a stack when it fails. */
function sayingWhatWentWrong(command: Command): Command {
	return {
		...command,
		action: async (broker, args) => {
			try {
				await command.action(broker, args);
			} catch (error) {
				console.error(`${command.command.split(" ")[0]}: ${(error as Error).message}`);
			}
		},
	};
}

function print(columns: string[], rows: object[]): void {
	if (rows.length === 0) {
		console.log("(nothing)");
		return;
	}
	const lines = rows.map((row) =>
		columns.map((column) => String((row as Record<string, unknown>)[column] ?? "")),
	);
	console.log(
		table([columns, ...lines], {
			border: getBorderCharacters("void"),
			columnDefault: { paddingLeft: 0, paddingRight: 2 },
			drawHorizontalLine: () => false,
		}).trimEnd(),
	);
}
