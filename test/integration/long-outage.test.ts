import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import type { ServiceBroker } from "moleculer";
import pg from "pg";
import { databaseUrl } from "../../config/settings.ts";
import { callAction } from "../../contracts/actions.ts";
import { asService } from "../../middlewares/permissions.ts";
import type { DeliveryProcess } from "../../services/notifications/delivery.ts";
import { setVariables } from "../variables.ts";
import { eventually, PASSWORD, startNode } from "./shop.ts";
import { type SlowMailServer, startSlowMailServer } from "./slow-mail-server.ts";

const MAILS = 3;
/** Longer than the time for which a sender trusts its lease. */
// biome-ignore lint/style/noProcessEnv: given by a person who wants to see a longer one.
const OUTAGE_MS = Number(process.env.OUTAGE_MS ?? 7000);
let mails: SlowMailServer;
let shop: ServiceBroker;
const admin = new pg.Client(databaseUrl("users"));
const name = new URL(databaseUrl("notifications")).pathname.slice(1);

beforeAll(async () => {
	mails = await startSlowMailServer();
	setVariables({ SMTP_URL: mails.url });
	shop = await startNode("users", "notifications");
	await admin.connect();
});

afterAll(async () => {
	await admin.query(`ALTER DATABASE "${name}" ALLOW_CONNECTIONS true`);
	await admin.end();
	await shop.stop();
	await mails.close();
});

const service = () =>
	shop.getLocalService({ name: "notifications", version: 1 }) as unknown as {
		delivery: DeliveryProcess;
	} & Pick<ServiceBroker, "logger">;

async function register(): Promise<string> {
	const username = `u${randomUUID().slice(0, 8)}`;
	const email = `${username}@toko.test`;
	await callAction(shop, "v1.users.register", { email, username, password: PASSWORD, full_name: "Budi" });
	return email;
}

const timesOf = (people: string[]) =>
	people.map((person) => mails.received.filter((address) => address === person).length);

async function allSent(): Promise<void> {
	await eventually("all mails to be sent", async () => {
		const { items: all } = await callAction(shop, "v1.notifications.list", { limit: 100 }, asService());
		return all.length > 0 && all.every(({ status }) => status === "sent");
	});
}

/** Sends another mail: a duplicate of an earlier one would arrive before it. */
async function anotherMail(): Promise<void> {
	const last = await register();
	await eventually("another mail", async () => timesOf([last])[0] === 1);
	await allSent();
}

test("mails sent while the database is unavailable are sent once, even if their lease is lost", async () => {
	const { promise, resolve } = Promise.withResolvers<void>();
	mails.accepting = promise;
	const people = await Promise.all(Array.from({ length: MAILS }, register));
	await eventually("mails on their way", async () => mails.received.length === MAILS);
	const { lease } = service().delivery;
	await admin.query(`ALTER DATABASE "${name}" ALLOW_CONNECTIONS false`);
	await admin.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", [name]);
	resolve();
	const begun = performance.now();
	await eventually("the outage to last", async () => performance.now() - begun > OUTAGE_MS);
	await admin.query(`ALTER DATABASE "${name}" ALLOW_CONNECTIONS true`);
	await allSent();
	await eventually("another lease", async () => service().delivery.lease !== lease);
	await anotherMail();
	expect(timesOf(people)).toEqual(people.map(() => 1));
});

test("a mail that the database refuses to mark is marked later, and the log says why", async () => {
	const notifications = new pg.Client(databaseUrl("notifications"));
	await notifications.connect();
	const { logger } = service();
	const warn = logger.warn;
	const lines: string[] = [];
	logger.warn = (...said: unknown[]) => {
		lines.push(said.join(" "));
	};
	try {
		await notifications.query(
			`CREATE SEQUENCE refusals;
			CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
				RAISE EXCEPTION 'no marks today' USING HINT = nextval('refusals');
			END $$;
			CREATE TRIGGER refuse BEFORE UPDATE ON notifications FOR EACH ROW WHEN (NEW.status = 'sent') EXECUTE FUNCTION refuse()`,
		);
		const person = await register();
		await eventually("some tries", async () => {
			const { rows } = await notifications.query("SELECT last_value::integer AS tries FROM refusals");
			return rows[0].tries >= 4;
		});
		await notifications.query("DROP TRIGGER refuse ON notifications");
		await anotherMail();
		expect(timesOf([person])).toEqual([1]);
		expect(lines).toEqual(["Messages were sent, but could not be marked as sent yet: no marks today"]);
	} finally {
		logger.warn = warn;
		await notifications.end();
	}
});
