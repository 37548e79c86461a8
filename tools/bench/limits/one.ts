// biome-ignore-all lint/style/noProcessEnv: a hand-written program, which shares nothing with the shop.
import type { AddressInfo } from "node:net";
import pg from "pg";
import { gateway } from "./gateway.ts";
import { sendMails } from "./mails.ts";
import { orders } from "./orders.ts";
import { products } from "./products.ts";
import type { Action, Service } from "./services.ts";
import { users } from "./users.ts";

/**
 * The limit in one process: hand-written code on node:http and pg. Reads `POSTGRES_URL` (a database with the tables of
 * tables.sql) and `SMTP_URL`. Prints `ready <address>`.
 */
const pool = new pg.Pool({ connectionString: process.env.POSTGRES_URL, max: 20 });
const call = (action: string, data: object) => {
	return (actions.get(action) as Action)(data as never);
};
const services: Record<string, Service> = {
	products: products(),
	users: users(pool),
	orders: orders(pool, call, sendMails(pool, new URL(process.env.SMTP_URL as string))),
};
const actions = new Map(
	Object.entries(services).flatMap(([service, own]) =>
		Object.entries(own).map(([name, action]) => [`${service}.${name}`, action]),
	),
);

const server = gateway(call);
server.listen(0, "127.0.0.1", () => {
	console.log(`ready http://127.0.0.1:${(server.address() as AddressInfo).port}`);
});
