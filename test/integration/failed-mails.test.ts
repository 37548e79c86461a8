import { randomUUID } from "node:crypto";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, jest, test } from "@jest/globals";
import type { ServiceBroker } from "moleculer";
import { SMTPServer } from "smtp-server";
import { listFailedMails, retryMails } from "../../cli/repl/operator-commands.ts";
import { callAction } from "../../contracts/actions.ts";
import { asService } from "../../middlewares/permissions.ts";
import type { JobsService } from "../../mixins/jobs.ts";
import { mails } from "../../observability/metrics.ts";
import { audit } from "../../tools/audit/audit.ts";
import type { Sources } from "../../tools/audit/snapshot.ts";
import { openSources } from "../../tools/audit/sources.ts";
import { setVariables } from "../variables.ts";
import { admin, eventually, newUser, PASSWORD, SERVICES, startNode } from "./shop.ts";

/** The mail server's reply to each recipient; undefined to accept the mail. */
let refusal: { code: number; text: string } | undefined;
let server: SMTPServer;
let port = 0;
let shop: ServiceBroker;
let sources: Sources;

beforeAll(async () => {
	await listen();
	setVariables({ SMTP_URL: `smtp://127.0.0.1:${port}` });
	shop = await startNode(...SERVICES);
	sources = await openSources();
});

afterAll(async () => {
	await sources.close();
	await shop.stop();
	await silence();
});

async function listen(): Promise<void> {
	server = new SMTPServer({
		authOptional: true,
		disabledCommands: ["STARTTLS"],
		onRcptTo(_address, _session, done) {
			done(refusal && Object.assign(new Error(refusal.text), { responseCode: refusal.code }));
		},
		onData(stream, _session, done) {
			stream.resume().on("end", done);
		},
	});
	server.on("error", () => undefined);
	await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
	port = (server.server.address() as AddressInfo).port;
}

function silence(): Promise<void> {
	return new Promise((resolve) => server.close(() => resolve()));
}

const sql = async <R extends object>(text: string, values: unknown[] = []) =>
	(
		await (
			shop.getLocalService({ name: "notifications", version: 1 }) as unknown as JobsService
		).pool.query<R>(text, values)
	).rows;

const breaches = async () =>
	(await audit(sources, 20_000, 20)).breaches.map(({ document, what }) => `${document} ${what}`);

async function register(): Promise<{ id: number }> {
	const username = `f${randomUUID().slice(0, 8)}`;
	const person = { email: `${username}@toko.test`, username, password: PASSWORD, full_name: "Rina" };
	return callAction(shop, "v1.users.register", person);
}

const withStatus = (status: string) =>
	sql("SELECT id FROM notifications WHERE status = $1 AND data IS NOT NULL", [status]);

/** Returns the output of a command. */
async function printed(command: () => Promise<void>): Promise<string> {
	const log = jest.spyOn(console, "log").mockImplementation(() => undefined);
	try {
		await command();
		return log.mock.calls.flat().join("\n");
	} finally {
		log.mockRestore();
	}
}

test("what failed for good is named by the audit and by a command, and sent again by another", async () => {
	const today = new Date().toISOString().slice(0, 10);
	refusal = { code: 550, text: "5.1.1 no such user" };
	await register();
	await register();
	await eventually("both to fail", async () => (await withStatus("failed")).length === 2);
	await eventually("both to be counted", async () => {
		const { values } = await mails.get();
		const failed = values.find(({ labels: { type, state } }) => type === "welcome" && state === "failed");
		return failed?.value === 2;
	});
	expect(await breaches()).toEqual([
		expect.stringMatching(
			/^messages welcome 2 failed permanently, .*5\.1\.1 no such user.*: npm run mails -- retry --type welcome$/,
		),
	]);
	expect(await printed(() => listFailedMails(shop))).toMatch(/welcome +2 +\S+ +.*5\.1\.1 no such user/);

	expect(await printed(() => retryMails(shop, "order_paid"))).toBe("0 messages are queued again");
	const tomorrow = new Date(Date.now() + 86_400_000).toISOString();
	expect(await printed(() => retryMails(shop, undefined, tomorrow))).toBe("0 messages are queued again");
	expect(await withStatus("failed")).toHaveLength(2);

	refusal = undefined;
	expect(await printed(() => retryMails(shop, "welcome", today))).toBe("2 messages are queued again");
	await eventually("both to be sent", async () => (await withStatus("failed")).length === 0);
	await eventually("no breach", async () => (await breaches()).length === 0);
	expect(await printed(() => listFailedMails(shop))).toBe("(nothing)");
});

test("what fails again is not met twice, and what has nobody to go to is not sent again", async () => {
	// More than one batch, to users that do not exist.
	await sql(
		`INSERT INTO notifications (event_id, user_id, type, channel, status, history, data, aggregate)
		SELECT gen_random_uuid(), 1000000 + n, 'welcome', 'email', 'failed', '[{"status": "queued", "at": "2026-01-01T00:00:00Z"}]',
			jsonb_build_object('name', 'user.registered', 'data', jsonb_build_object('user_id', 1000000 + n), 'occurred_at', now()), 'user:' || 1000000 + n
		FROM generate_series(1, 1200) n`,
	);
	expect(await printed(() => retryMails(shop))).toBe("1200 messages are queued again");
	await eventually("all to be given up", async () => (await withStatus("queued")).length === 0);
	expect(await printed(() => retryMails(shop))).toBe("0 messages are queued again");
	await sql("DELETE FROM notifications WHERE user_id BETWEEN 1000001 AND 1001200");
});

test("an old message that is sent again has as long as a new one", async () => {
	refusal = { code: 550, text: "5.1.1 no such user" };
	await register();
	const [message] = await eventually("it to fail", async () => {
		const failed = await withStatus("failed");
		return failed.length === 1 && failed;
	});
	await sql("UPDATE notifications SET created_at = created_at - interval '30 days' WHERE status = 'failed'");
	refusal = { code: 451, text: "4.3.0 not now" };
	await printed(() => retryMails(shop));
	await eventually("a try that is not the last", async () => {
		const [row] = await sql<{ status: string; reason: string }>(
			"SELECT status, history->-1->>'reason' AS reason FROM notifications WHERE id = $1",
			[(message as { id: string }).id],
		);
		return row?.status === "queued" && row.reason?.includes("451");
	});
	refusal = undefined;
	await eventually("it to be sent", async () => (await withStatus("queued")).length === 0);
});

test("while the mail server is away the audit has nothing to say of the mails that wait", async () => {
	await silence();
	const person = await newUser(shop);
	await eventually("a first try", async () => {
		const {
			items: [message],
		} = await person.call("v1.notifications.list", {});
		return message?.history.some(({ status }) => status === "failed");
	});
	expect(await breaches()).toEqual([]);
	await listen();
	await eventually("the mail", async () => (await withStatus("queued")).length === 0);
});

test.each([
	["a type that there is not", "order_payed", undefined, /order_payed: there are .*order_paid/],
	["no moment", undefined, "yesterday", /"yesterday" is no moment: write a day such as/],
	["a moment without its distance to UTC", undefined, "2026-11-23T08:00:00", /is no moment/],
	["a day that there is not", undefined, "2026-02-31", /"2026-02-31" is no moment/],
])("%s is refused in one line", async (_, type, since, message) => {
	await expect(retryMails(shop, type, since)).rejects.toThrow(message);
});

test("only admins list and retry what failed", async () => {
	const [keeper, other] = [await admin(shop), await newUser(shop)];
	expect(await keeper.call("v1.notifications.failed", {})).toEqual([]);
	await expect(other.call("v1.notifications.failed", {})).rejects.toMatchObject({ code: 403 });
	await expect(other.call("v1.notifications.retryFailed", {})).rejects.toMatchObject({ code: 403 });
	expect(await callAction(shop, "v1.notifications.retryFailed", {}, asService())).toEqual({
		queued: 0,
		next: null,
	});
});
