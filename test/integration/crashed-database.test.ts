import { type ChildProcess, fork } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import type { ServiceBroker } from "moleculer";
import { childEnvironment, settings } from "../../config/settings.ts";
import { callAction } from "../../contracts/actions.ts";
import { asService } from "../../middlewares/permissions.ts";
import { LEASE_LOCK } from "../../services/notifications/queue.ts";
import { type OwnPostgres, startPostgres } from "../own-postgres.ts";
import { setVariables } from "../variables.ts";
import { eventually, PASSWORD, startNode } from "./shop.ts";
import { type SlowMailServer, startSlowMailServer } from "./slow-mail-server.ts";

/** More than one process leases at once. */
const MAILS = 30;
const AT_ONCE = 5;
/** Longer than two polls of the queue. */
const LOOKS_MS = 5000;
let server: OwnPostgres;
let mails: SlowMailServer;
let shop: ServiceBroker;
let other: ChildProcess;

beforeAll(async () => {
	server = await startPostgres("--locale=C", "--encoding=UTF8");
	setVariables({ POSTGRES_URL: `${server.url}?connect_timeout=60` });
	mails = await startSlowMailServer();
	// The first mails wait while the other people register.
	setVariables({ SMTP_URL: `${mails.url}?socketTimeout=30000` });
	shop = await startNode("users", "notifications");
	other = fork(new URL("./notifications-process.ts", import.meta.url), [], {
		execArgv: ["--no-warnings"],
		env: childEnvironment(),
		stdio: ["ignore", "pipe", "inherit", "ipc"],
	});
	await once(other.stdout as NonNullable<ChildProcess["stdout"]>, "data");
	await eventually("a lease of each process", async () => (await leases()).length === 2);
});

afterAll(async () => {
	other.kill("SIGKILL");
	await shop.stop();
	await mails.close();
	await server.stop();
});

async function register(): Promise<string> {
	const username = `u${randomUUID().slice(0, 8)}`;
	const email = `${username}@toko.test`;
	await callAction(shop, "v1.users.register", { email, username, password: PASSWORD, full_name: "Budi" });
	return email;
}

const database = () => `${settings.namespace}_notifications`;

/** Returns the numbers of the leases that are held. */
async function leases(): Promise<number[]> {
	const rows = await server.query<{ objid: number }>(
		`SELECT DISTINCT objid FROM pg_locks WHERE locktype = 'advisory' AND granted AND classid = ${LEASE_LOCK} ORDER BY 1`,
		database(),
	);
	return rows.map(({ objid }) => objid);
}

const timesOf = (people: string[]) =>
	people.map((person) => mails.received.filter((address) => address === person).length);

/** Rounds after which the machine is too busy for this test: PostgreSQL does not recover within the time of a lease. */
const MAX_ROUNDS = 5;

test("where PostgreSQL crashes and recovers within the time of a lease, two processes send each mail once", async () => {
	let round = 1;
	for (; round <= MAX_ROUNDS; round++) {
		const before = await leases();
		const people = await sendBesideCrash();
		if ((await leases()).join() === before.join()) {
			expect(timesOf(people)).toEqual(people.map(() => 1));
			break;
		}
	}
	expect(round).toBeLessThanOrEqual(MAX_ROUNDS);
});

/** Lets PostgreSQL crash while mails are being sent, and waits until all are sent. Returns their recipients. */
async function sendBesideCrash(): Promise<string[]> {
	const { promise, resolve } = Promise.withResolvers<void>();
	mails.accepting = promise;
	const before = mails.received.length;
	const people: string[] = [];
	while (people.length < MAILS) {
		people.push(...(await Promise.all(Array.from({ length: AT_ONCE }, register))));
	}
	// Five of each process.
	await eventually("mails on their way", async () => mails.received.length - before >= 10);
	await eventually("all to be leased", async () => {
		const [{ leased } = { leased: 0 }] = await server.query<{ leased: number }>(
			"SELECT count(leased_by)::integer AS leased FROM notifications WHERE status = 'queued'",
			database(),
		);
		return leased === MAILS;
	});
	// A commit that waits for the disk flushes the leases too.
	await server.query("SELECT pg_logical_emit_message(true, '', '')", database());
	const [backend] = await server.query<{ pid: number }>(
		"SELECT pid FROM pg_stat_activity WHERE application_name = 'toko notifications lease'",
	);
	process.kill(backend?.pid as number, "SIGKILL");
	const crashed_at = performance.now();
	await eventually("some looks at the queue", async () => performance.now() - crashed_at > LOOKS_MS);
	resolve();
	await eventually("all mails to be sent", async () => {
		const { items: all } = await callAction(shop, "v1.notifications.list", { limit: 100 }, asService()).catch(
			() => ({ items: [] }),
		);
		const sent = all.filter(({ recipient, status }) => people.includes(recipient ?? "") && status === "sent");
		return sent.length === MAILS;
	});
	// A duplicate would arrive before it.
	const last = await register();
	await eventually("another mail", async () => timesOf([last])[0] === 1);
	return people;
}
