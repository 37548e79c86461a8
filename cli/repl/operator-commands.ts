import { randomUUID } from "node:crypto";
import type { ServiceBroker } from "moleculer";
import { getBorderCharacters, table } from "table";
import { LOG_LEVELS } from "../../config/variables.ts";
import { type ActionName, allActions, callAction, type ParamsOf, withKey } from "../../contracts/actions.ts";
import type { ProblemData } from "../../contracts/problems.ts";
import { momentOf } from "../../hosting/moment.ts";
import { namedServices } from "../../hosting/services.ts";
import { StartError } from "../../infra/backing-services.ts";
import { asService } from "../../middlewares/permissions.ts";
import { askLogLevels, type LevelChange } from "../../nats/log-levels.ts";
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
			command: "product-groups [group]",
			description:
				"Groups of variants with their stock, by id or a part of the name; without one, the newest",
			action: async (broker, { group }) => {
				const rows = await callAction(broker, "v1.products.groups", { group }, asService());
				print(
					["id", "name", "options", "variants", "stock"],
					rows.map(({ options, ...row }) => ({ ...row, options: options.join(", ") })),
				);
			},
		},
		{
			command: "order <id>",
			description: "An order, by id or number",
			action: async (broker, { id = "" }) => {
				const { items, ...order } = await callAction(broker, "v1.orders.find", { id }, asService());
				print(["number", "status", "user_id", "total", "currency", "created_at", "expires_at"], [order]);
				const lines = items.map(withOptions);
				print(
					["line", "product_id", "name", ...filled(["options"], lines), "quantity", "price", "subtotal"],
					lines,
				);
				const terms = filled(ORDER_TERMS, [order]);
				if (terms.length > 0) {
					print(["subtotal", ...terms], [order]);
				}
			},
		},
		{
			command: "cart <id>",
			description: "A cart with the prices of now, by its id",
			action: async (broker, { id = "" }) => {
				const { items, ...cart } = await callAction(broker, "v1.orders.findCart", { id }, asService());
				print(["status", "user_id", "version", "order_id", "merged_into", "total", "touched_at"], [cart]);
				const lines = items.map(withOptions);
				const columns = ["line", "product_id", "name", ...filled(["options"], lines)];
				print([...columns, "quantity", "price", "price_changed_from", "available", "subtotal"], lines);
			},
		},
		{
			command: "refund <order> [json]",
			description:
				"Refund a part of an order, by id or number, as its body in single quotes says; without one, what is left",
			action: async (broker, { order = "", json }) => {
				const body = json === undefined ? undefined : bodyOf<"v1.orders.addRefund">(json, A_REFUND);
				const { id } = await callAction(broker, "v1.orders.find", { id: order }, asService());
				await (body
					? callAction(broker, "v1.orders.addRefund", { ...body, id }, asService())
					: callAction(broker, "v1.orders.refund", { id }, asService()));
				const refunds = await callAction(broker, "v1.orders.refunds", { id, limit: 100 }, asService());
				const after = await callAction(broker, "v1.orders.find", { id }, asService());
				print(["number", "status", "total", "refunded", "currency"], [after]);
				print(["sequence", "amount", "status", "restock", "reason", "created_at"], refunds);
			},
		},
		{
			command: "vouchers",
			description: "The newest vouchers with their uses",
			action: async (broker) => {
				const { items } = await callAction(broker, "v1.orders.vouchers", { limit: 100 }, asService());
				print(
					["code", "promotion", "kind", "value", "starts_at", "ends_at", "used", "max_uses", "per_user"],
					items,
				);
			},
		},
		{
			command: "price <json>",
			description: "What an order would cost, by its body in single quotes, and why it would be refused",
			action: async (broker, { json = "" }) => {
				const { items, reasons, ...quote } = await callAction(
					broker,
					"v1.orders.quote",
					bodyOf(json, AN_ORDER),
					operator.asUser(),
				);
				const lines = items.map(withOptions);
				const columns = ["line", "name", ...filled(["options"], lines)];
				print([...columns, "quantity", "price", "subtotal", "discount", "tax", "paid"], lines);
				print(["subtotal", "discount", "shipping", "tax", "tax_included", "total", "currency"], [quote]);
				for (const { about, message } of reasons) {
					console.log(`${about}: ${message}`);
				}
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
			command: "log [service] [level]",
			description: "Log levels of all processes; with a service (or all) and a level, change them",
			action: (broker, { service, level }) => showLogLevels(broker, service, level),
		},
		{
			command: "retry <id>",
			description: "Handle a dead letter after all, by its id; `retry all` for all of them",
			action: (broker, { id = "" }) => retryDeadLetters(broker, id),
		},
	];
	return commands.map(reportingErrors);
}

/**
 * Changes the log level of a service, or of all, in every process of the shop, and prints the levels of each.
 *
 * @throws StartError for an unknown service or level.
 */
export async function showLogLevels(broker: ServiceBroker, service?: string, level?: string): Promise<void> {
	const rows = await askLogLevels(broker, service === undefined ? undefined : levelChange(service, level));
	print(
		["node", "level", "other levels"],
		rows.map(({ node, usual, changed }) => ({
			...{ node, level: usual },
			"other levels": Object.entries(changed)
				.map((entry) => entry.join(" "))
				.join(", "),
		})),
	);
}

function levelChange(service: string, level = ""): LevelChange {
	const services = namedServices("");
	if (service !== "all" && !services.includes(service)) {
		throw new StartError(`there is no service "${service}": the services are ${services.join(", ")}, or all`);
	}
	if (!LOG_LEVELS.includes(level)) {
		throw new StartError(`write a level after ${service}: ${LOG_LEVELS.join(", ")}`);
	}
	return { level, service: service === "all" ? undefined : service };
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

/** Fields of an order that most orders lack. */
const ORDER_TERMS = [
	...["discount", "shipping", "tax", "refunded", "voucher_code", "carrier", "tracking_number"],
] as const;

/** Returns the columns in which a row has something, other than 0. */
function filled(columns: readonly string[], rows: object[]): string[] {
	return columns.filter((column) => rows.some((row) => (row as Record<string, unknown>)[column]));
}

/** Returns a line of an order with its options as text, such as `ukuran: M, warna: Merah`. */
function withOptions<Line extends { options: Record<string, string> | null }>(line: Line) {
	return {
		...line,
		options: Object.entries(line.options ?? {})
			.map((option) => option.join(": "))
			.join(", "),
	};
}

const AN_ORDER = '{"items": [{"product_id": "…", "quantity": 2}]}';
const A_REFUND = '{"items": [{"line": 1, "quantity": 1}], "restock": true}';

/** @throws StartError unless the text is a JSON object; the action checks its fields. */
function bodyOf<N extends ActionName = "v1.orders.quote">(json: string, example: string): ParamsOf<N> {
	try {
		const body = JSON.parse(json);
		if (typeof body === "object" && body !== null && !Array.isArray(body)) {
			return body;
		}
	} catch {
		// The message is the same.
	}
	throw new StartError(
		`${JSON.stringify(json)} is no JSON object: write it in single quotes, as '${example}'`,
	);
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

/** Makes a command print its error and the wrong fields, a line each, instead of a stack when it fails. */
function reportingErrors(command: Command): Command {
	return {
		...command,
		action: async (broker, args) => {
			try {
				await command.action(broker, args);
			} catch (error) {
				const name = command.command.split(" ")[0];
				const { errors = [] } = (error as { data?: ProblemData }).data ?? {};
				console.error(`${name}: ${(error as Error).message}`);
				for (const { path, message } of errors) {
					console.error(`${name}: ${path}: ${message}`);
				}
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
