import { randomUUID } from "node:crypto";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import type { ServiceBroker } from "moleculer";
import pg from "pg";
import { SMTPServer } from "smtp-server";
import { databaseUrl } from "../../config/settings.ts";
import { callAction } from "../../contracts/actions.ts";
import { asService } from "../../middlewares/permissions.ts";
import { setVariables } from "../variables.ts";
import {
	admin,
	eventually,
	newProduct,
	newUser,
	PASSWORD,
	type Person,
	SERVICES,
	startNode,
} from "./shop.ts";

/** The mail server's replies by recipient; others are accepted. */
const refusals = new Map<string, { answer: string; times: number }>();
/** The mail server's replies to the next mails, by recipient. */
const refusedMails = new Map<string, { answer: string; times: number }>();
let senderIsBlocked = false;
/** Runs before the server accepts a mail. */
let beforeAccepting = async (_to: string[]) => {};
const received: { to: string[]; mail: string }[] = [];

let server: SMTPServer;
let port = 0;
let shop: ServiceBroker;
let keeper: Person;

beforeAll(async () => {
	await listen();
	setVariables({ SMTP_URL: `smtp://127.0.0.1:${port}` });
	shop = await startNode(...SERVICES);
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
			done(refusal(refusals.get(address)));
		},
		onData(stream, { envelope }, done) {
			text(stream)
				.then(async (mail) => {
					const to = envelope.rcptTo.map(({ address }) => address);
					const refused = refusal(refusedMails.get(to[0] ?? ""));
					if (refused) {
						throw refused;
					}
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

function refusal(given: { answer: string; times: number } | undefined): Error | undefined {
	if (given === undefined || given.times-- <= 0) {
		return undefined;
	}
	const [code, ...words] = given.answer.split(" ");
	return Object.assign(new Error(words.join(" ")), { responseCode: Number(code) });
}

function silence() {
	return new Promise<void>((resolve) => server.close(resolve));
}

const mailsTo = (person: { email: string }) => received.filter(({ to }) => to.includes(person.email));

async function welcome(person: { id: number }, status: string) {
	return eventually(`a message that is ${status}`, async () => {
		const { items: found } = await keeper.call("v1.notifications.list", { limit: 100 });
		return found.find((message) => message.user_id === person.id && message.status === status);
	});
}

/** Registers a user whose address, or the mail to it, the server refuses once. */
async function refusedOnce(answer: string, at = refusals) {
	const username = `r${randomUUID().slice(0, 8)}`;
	const email = `${username}@toko.test`;
	at.set(email, { answer, times: 1 });
	return callAction(shop, "v1.users.register", { email, username, password: PASSWORD, full_name: "Rina" });
}

test("a mail goes to the server of SMTP_URL, with a Message-ID of its own", async () => {
	const person = await newUser(shop);
	const { id } = await welcome(person, "sent");
	expect(mailsTo(person)).toHaveLength(1);
	expect(mailsTo(person)[0]?.mail).toContain(`Message-ID: <${id}@toko>`);
});

test("a mail that the server refuses temporarily is sent later, as its history shows", async () => {
	const person = await refusedOnce("451 not now");
	const { history } = await welcome(person, "sent");
	expect(history).toMatchObject([
		{ status: "queued" },
		{ status: "failed", tries: 1, reason: expect.stringContaining("451") },
		{ status: "sent" },
	]);
});

test("a mail that the server refuses permanently fails, and an admin can send it again", async () => {
	const person = await refusedOnce("550 no such mailbox");
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

test.each([
	["its recipient for reasons of policy", "554 5.7.1 Rejected by policy", refusals],
	["it for reasons of policy", "550 5.7.0 Message content rejected", refusedMails],
	["a domain that there is not", "550 5.1.2 Domain not found", refusals],
])("a mail fails at once where the server refuses %s: %s", async (_, answer, at) => {
	const person = await refusedOnce(answer, at);
	const { history } = await welcome(person, "failed");
	expect(history).toMatchObject([{ status: "queued" }, { status: "failed", tries: 1 }]);
	expect(mailsTo(person)).toHaveLength(0);
});

test.each([
	["greylists its recipient with a final code", "550 5.7.1 Greylisted, try again in 300 seconds", refusals],
	["has a hiccup", "554 Transaction failed: Local error in processing", refusedMails],
	["has a full mailbox", "552 5.2.2 Mailbox full", refusals],
])("a mail is sent later where the server %s: %s", async (_, answer, at) => {
	const person = await refusedOnce(answer, at);
	await welcome(person, "sent");
	expect(mailsTo(person)).toHaveLength(1);
});

test("a name that advertises is not sent to the address of a stranger, by any part of a mail", async () => {
	const username = `s${randomUUID().slice(0, 8)}`;
	const email = `${username}@toko.test`;
	const full_name = "Menang hadiah http://evil.example/x";
	const stranger = { email, username, password: PASSWORD, full_name };
	const { id } = await callAction(shop, "v1.users.register", stranger);
	await callAction(shop, "v1.users.forgotPassword", { email });
	await eventually("both mails", async () => mailsTo({ email }).length === 2);
	for (const { mail } of mailsTo({ email })) {
		expect(mail).toContain("Halo Pelanggan,");
		expect(mail).not.toMatch(/evil|hadiah/);
	}
	// Once the address is verified, mails may contain any name.
	const { token } = await callAction(shop, "v1.users.contact", { id, token_for: "verify" }, asService());
	await callAction(shop, "v1.users.verifyEmail", { token: token ?? "" });
	const new_email = `new-${email}`;
	const { access_token } = await callAction(shop, "v1.users.login", { email, password: PASSWORD });
	const meta = { meta: { token: access_token } };
	const change = { current_password: PASSWORD, new_email };
	await callAction(shop, "v1.users.changeEmail", change, meta);
	const warning = await eventually("the warning", async () => mailsTo({ email })[2]);
	expect(warning.mail).toContain("evil.example");
	const [confirmation] = await eventually("the mail to the new address", async () => {
		const found = mailsTo({ email: new_email });
		return found.length > 0 && found;
	});
	expect(confirmation?.mail).toContain("Halo Pelanggan,");
	expect(confirmation?.mail).not.toMatch(/evil|hadiah/);
});

test("a mail is not given up because the server refuses the shop", async () => {
	senderIsBlocked = true;
	const person = await newUser(shop);
	await eventually("a first try", async () => {
		const {
			items: [message],
		} = await person.call("v1.notifications.list", {});
		return message?.history.some(({ status }) => status === "failed");
	});
	senderIsBlocked = false;
	await welcome(person, "sent");
});

test("a mail that was sent while the database is unavailable is not sent again", async () => {
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

test("mails wait while the server is unavailable", async () => {
	await silence();
	const person = await newUser(shop);
	const waiting = await eventually("a first try", async () => {
		const {
			items: [message],
		} = await person.call("v1.notifications.list", {});
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
		const { items: found } = await person.call("v1.notifications.list", {});
		const paid = found.filter(({ type }) => type === "order_paid");
		const statusOf = (name: string) => paid.find(({ channel }) => channel === name)?.status;
		return statusOf("sms") === "sent" && statusOf("email") === "queued";
	});
});
