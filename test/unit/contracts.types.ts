/*
 * Code that must not compile. `npm run typecheck` checks this file: an @ts-expect-error without an error is itself an
 * error.
 */

import type { ServiceBroker } from "moleculer";
import { type ActionContext, callAction, implement } from "../../contracts/actions.ts";
import { contract } from "../../contracts/contract.ts";
import { notifications } from "../../contracts/notifications.ts";
import { publish } from "../../mixins/outbox.ts";

declare const broker: ServiceBroker;
declare const ctx: ActionContext;
declare const client: { query(sql: string, values: unknown[]): Promise<unknown> };

export async function callers() {
	const reserved = await ctx.call("v1.products.consume", { reservation_id: "…" });
	const lines: number = reserved.lines;
	const product = await callAction(broker, "v1.products.get", { id: "…" });
	const price: number = product.price;

	// @ts-expect-error an action that no contract has
	await ctx.call("v1.products.sell", { reservation_id: "…" });
	// @ts-expect-error a parameter of the wrong type
	await ctx.call("v1.products.consume", { reservation_id: 7 });
	// @ts-expect-error a parameter that is missing
	await callAction(broker, "v1.products.get", {});
	// @ts-expect-error a parameter that the action does not know
	await callAction(broker, "v1.products.get", { id: "…", colour: "red" });
	// @ts-expect-error a result of another type
	const wrong: string = reserved.lines;
	// @ts-expect-error a field that the result does not have
	product.password_hash;

	await publish(client, "user.registered", "user:1", { user_id: 1 });
	// @ts-expect-error an event that no contract has
	await publish(client, "user.vanished", "user:1", { user_id: 1 });
	// @ts-expect-error an event with the wrong data
	await publish(client, "user.registered", "user:1", { id: 1 });
	return [lines, price, wrong];
}

const get = async () => ({}) as never;
const health = async () => ({ status: "healthy", service: "notification-service" }) as const;

const [retry, retryFailed, retryDeadLetter] = [get, get, get];
const failed = () => [];
const others = {
	get,
	retry,
	failed,
	retryFailed,
	deadLetters: () => [],
	retryDeadLetter,
	takenIn: () => [],
	forgetUser: () => null,
	outbox: () => [],
	health,
};
const empty = () => ({ items: [], next: null });
const handlers = implement<object>();

export const good = handlers(notifications, { ...others, list: empty });
// @ts-expect-error an action of the contract that is missing
export const missing = handlers(notifications, others);
// @ts-expect-error a result of the wrong type
export const wrong = handlers(notifications, { ...others, list: () => 7 });
// @ts-expect-error an action that the contract does not have
export const unknown = handlers(notifications, { ...others, list: empty, send: () => null });

const declared = { name: "reviews", version: 1, about: "Reviews of users", actions: {} } as const;

export const service = contract({ ...declared, store: "PostgreSQL" });
// @ts-expect-error a field that no contract has
export const misspelt = contract({ ...declared, stored: "PostgreSQL" });
// @ts-expect-error a variable that no process reads
export const misread = contract({ ...declared, variables: { SMPT_URL: "required" } });
