import { randomUUID } from "node:crypto";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import type { ServiceBroker } from "moleculer";
import pg from "pg";
import { SMTPServer } from "smtp-server";
import { callAction } from "../../contracts/actions.ts";
import { databaseUrl } from "../../mixins/settings.ts";
import { admin, eventually, newProduct, newUser, PASSWORD, type Person, startNode } from "./shop.ts";

/** What the mail server answers to a recipient, by the address; others are accepted. */
const refusals = new Map<string, { code: number; times: number }>();
let senderIsBlocked = false;
/** Done for a mail before the server says that it has it. */
let beforeAccepting = async (_to: string[]) => {};
const received: { to: string[]; mail: string }[] = [];

let server: SMTPServer;
let port = 0;
let shop: ServiceBroker;
let keeper: Person;

beforeAll(async () => {
	await listen();
	process.env.SMTP_URL = `smtp://127.0.0.1:${port}`;
	shop = await startNode("users", "products", "orders", "notifications");
	keeper = await admin(shop);
});

afterAll(async () => {
	await shop.stop();
	await silence();
});

async function listen() {
	server = new SMTPServer({
		authOptional: true,
		disabledCommands: ["STARTTLS"],
		onMailFrom(_from, _session, done) {
			done(senderIsBlocked ? Object.assign(new Error("blocked"), { responseCode: 554 }) : undefined);
		},
		onRcptTo({ address }, _session, done) {
			if (address.startsWith("silent")) {
				return;
			}
			const refusal = refusals.get(address);
			if (refusal && refusal.times-- > 0) {
				done(Object.assign(new Error("not now"), { responseCode: refusal.code }));
			} else {
				done();
			}
		},
		onData(stream, { envelope }, done) {
			text(stream)
				.then(async (mail) => {
					const to = envelope.rcptTo.map(({ address }) => address);
					received.push({ to, mail });
					await beforeAccepting(to);
				})
				.then(() => done(), done);
		},
	});
	server.on("error", () => undefined);
	await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
	port = (server.server.address() as AddressInfo).port;
}

function silence() {
	return new Promise<void>((resolve) => server.close(resolve));
}

const mailsTo = (person: { email: string }) => received.filter(({ to }) => to.includes(person.email));

async function welcome(person: { id: number }, status: string) {
	return eventually(`a message that is ${status}`, async () => {
		const found = await keeper.call("v1.notifications.list", { limit: 100 });
		return found.find((message) => message.user_id === person.id && message.status === status);
	});
}

/** Registers somebody whose address the server refuses once. */
async function refusedOnce(code: number) {
	const username = `r${randomUUID().slice(0, 8)}`;
	const email = `${username}@toko.test`;
	refusals.set(email, { code, times: 1 });
	return callAction(shop, "v1.users.register", { email, username, password: PASSWORD, full_name: "Rina" });
}

test("a mail goes to the server of SMTP_URL, with a Message-ID of its own", async () => {
	const person = await newUser(shop);
	const { id } = await welcome(person, "sent");
	expect(mailsTo(person)).toHaveLength(1);
	expect(mailsTo(person)[0]?.mail).toContain(`Message-ID: <${id}@toko>`);
});

test("a mail that the server refuses for the moment is sent later, and its history tells", async () => {
	const person = await refusedOnce(451);
	const { history } = await welcome(person, "sent");
	expect(history).toMatchObject([
		{ status: "queued" },
		{ status: "failed", tries: 1, reason: expect.stringContaining("451") },
		{ status: "sent" },
	]);
});

test("a mail that the server refuses for good fails, and an admin can send it again", async () => {
	const person = await refusedOnce(550);
	const { id, history } = await welcome(person, "failed");
	expect(history).toMatchObject([
		{ status: "queued" },
		{ status: "failed", reason: expect.stringContaining("550") },
	]);
	const other = await newUser(shop);
	await expect(other.call("v1.notifications.retry", { id })).rejects.toMatchObject({ code: 403 });
	expect(await keeper.call("v1.notifications.retry", { id })).toMatchObject({ status: "queued" });
	await welcome(person, "sent");
	expect(mailsTo(person)).toHaveLength(1);
	await expect(keeper.call("v1.notifications.retry", { id })).rejects.toMatchObject({
		type: "NOTIFICATION_NOT_FAILED",
	});
});

test("a mail is not given up because the server refuses the shop", async () => {
	senderIsBlocked = true;
	const person = await newUser(shop);
	await eventually("a first try", async () => {
		const [message] = await person.call("v1.notifications.list", {});
		return message?.history.some(({ status }) => status === "failed");
	});
	senderIsBlocked = false;
	await welcome(person, "sent");
});

test("a mail that has left while the database is away is not sent again", async () => {
	const database = new pg.Client(databaseUrl("notifications"));
	await database.connect();
	const email = `left-${randomUUID()}@toko.test`;
	let refused = 0;
	beforeAccepting = async (to) => {
		if (to.includes(email)) {
			await database.query(`
				CREATE FUNCTION refuse_mark() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'away'; END $$;
				CREATE TRIGGER away BEFORE UPDATE ON notifications FOR EACH ROW
					WHEN (NEW.status = 'sent') EXECUTE FUNCTION refuse_mark()`);
			refused++;
			setTimeout(() => void database.query("DROP FUNCTION refuse_mark CASCADE"), 1000);
		}
	};
	try {
		const username = `l${randomUUID().slice(0, 8)}`;
		const person = { email, username, password: PASSWORD, full_name: "Rina" };
		const { id } = await callAction(shop, "v1.users.register", person);
		const { history } = await welcome({ id }, "sent");
		expect(history).toMatchObject([{ status: "queued" }, { status: "sent" }]);
		expect(mailsTo({ email })).toHaveLength(1);
		expect(refused).toBe(1);
	} finally {
		beforeAccepting = async () => {};
		await database.end();
	}
});

test("while the server is away mails wait", async () => {
	await silence();
	const person = await newUser(shop);
	const waiting = await eventually("a first try", async () => {
		const [message] = await person.call("v1.notifications.list", {});
		return message?.history.some(({ status }) => status === "failed") && message;
	});
	expect(waiting.status).toBe("queued");
	await listen();
	await welcome(person, "sent");
	expect(mailsTo(person)).toHaveLength(1);
});

test("a server that does not answer holds up mails and nothing else: orders and text messages go on", async () => {
	for (let number = 0; number < 15; number++) {
		const username = `silent-${randomUUID().slice(0, 8)}`;
		const email = `${username}@toko.test`;
		await callAction(shop, "v1.users.register", { email, username, password: PASSWORD, full_name: "Diam" });
	}
	const person = await newUser(shop);
	await person.call("v1.users.updateMe", { phone: "+6281234567890" });
	const { id: product_id } = await newProduct(shop, 1);
	const order = await person.call("v1.orders.place", { items: [{ product_id, quantity: 1 }] });
	await person.call("v1.orders.pay", { id: order.id });
	await eventually("a text message before any mail", async () => {
		const found = await person.call("v1.notifications.list", {});
		const paid = found.filter(({ type }) => type === "order_paid");
		const statusOf = (name: string) => paid.find(({ channel }) => channel === name)?.status;
		return statusOf("sms") === "sent" && statusOf("email") === "queued";
	});
});
