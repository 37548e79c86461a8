// biome-ignore-all lint/style/noProcessEnv: a hand-written program, which shares nothing with the shop.
import type { AddressInfo } from "node:net";
import { connect, StringCodec } from "nats";
import pg from "pg";
import { gateway } from "./gateway.ts";
import { sendMails } from "./mails.ts";
import { orders } from "./orders.ts";
import { products } from "./products.ts";
import type { Action, Call, Reply, Service } from "./services.ts";
import { users } from "./users.ts";

/**
 * One of the five processes of the limit over NATS, selected by name, with hand-written JSON requests and replies.
 * Reads `NATS_URL`, `POSTGRES_URL` (a database with the tables of tables.sql) and `SMTP_URL`. Prints `ready`; the
 * gateway adds its address.
 */
const role = process.argv[2] as string;
const MAILS_QUEUED = "mails.queued";
const STATUS_LENGTH = 3;

const text = StringCodec();
const url = new URL(process.env.NATS_URL as string);
const nats = await connect({
	servers: url.host,
	user: decodeURIComponent(url.username),
	pass: decodeURIComponent(url.password),
});

const call: Call = async (action, data) => {
	const reply = await nats.request(action, text.encode(JSON.stringify(data)), { timeout: 30_000 });
	const response = text.decode(reply.data);
	return { status: Number(response.slice(0, STATUS_LENGTH)), body: response.slice(STATUS_LENGTH) };
};

const pool = () => new pg.Pool({ connectionString: process.env.POSTGRES_URL, max: 20 });

const roles: Record<string, () => void | Promise<void>> = {
	products: () => serve(products()),
	users: () => serve(users(pool())),
	orders: () => serve(orders(pool(), call, () => nats.publish(MAILS_QUEUED))),
	notifications: () => {
		const wake = sendMails(pool(), new URL(process.env.SMTP_URL as string));
		nats.subscribe(MAILS_QUEUED, { callback: wake });
	},
	api: () =>
		new Promise((ready) => {
			const server = gateway(call);
			server.listen(0, "127.0.0.1", () => {
				console.log(`gateway http://127.0.0.1:${(server.address() as AddressInfo).port}`);
				ready();
			});
		}),
};

await roles[role]?.();
await nats.flush();
console.log(`ready ${role}`);

function serve(service: Service): void {
	for (const [name, action] of Object.entries(service)) {
		nats.subscribe(`${role}.${name}`, {
			callback: (_error, message) => {
				Promise.resolve(message)
					.then(({ data }) => (action as Action)(JSON.parse(text.decode(data)) as never))
					.catch((error): Reply => {
						console.error(error);
						return { status: 500, body: '{"code":"INTERNAL"}' };
					})
					.then(({ status, body }) => message.respond(text.encode(`${status}${body}`)));
			},
		});
	}
}
