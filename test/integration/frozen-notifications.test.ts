import { type ChildProcess, fork } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { afterAll, afterEach, beforeAll, expect, test } from "@jest/globals";
import type { ServiceBroker } from "moleculer";
import { childEnvironment } from "../../config/settings.ts";
import { callAction } from "../../contracts/actions.ts";
import { asService } from "../../middlewares/permissions.ts";
import { setVariables } from "../variables.ts";
import { eventually, PASSWORD, startNode } from "./shop.ts";
import { type SlowMailServer, startSlowMailServer } from "./slow-mail-server.ts";

/** More than the maximum number of mails that a process has in flight. */
const MAILS = 12;
let mails: SlowMailServer;
let users: ServiceBroker;
let survivor: ServiceBroker | undefined;
let child: ChildProcess | undefined;

beforeAll(async () => {
	mails = await startSlowMailServer();
	// The first mails wait while the other people register.
	setVariables({ SMTP_URL: `${mails.url}?socketTimeout=30000` });
	users = await startNode("users");
});

afterEach(async () => {
	child?.kill("SIGKILL");
	await survivor?.stop();
	survivor = undefined;
});

afterAll(async () => {
	await users.stop();
	await mails.close();
});

async function startProcess(): Promise<ChildProcess> {
	const started = fork(new URL("./notifications-process.ts", import.meta.url), [], {
		execArgv: ["--no-warnings"],
		env: childEnvironment(),
		stdio: ["ignore", "pipe", "inherit", "ipc"],
	});
	await once(started.stdout as NonNullable<ChildProcess["stdout"]>, "data");
	return started;
}

async function register(): Promise<string> {
	const username = `u${randomUUID().slice(0, 8)}`;
	const email = `${username}@toko.test`;
	await callAction(users, "v1.users.register", { email, username, password: PASSWORD, full_name: "Budi" });
	return email;
}

const timesOf = (people: string[]) =>
	people.map((person) => mails.received.filter((address) => address === person).length);

test.each([
	["frozen", "SIGSTOP"],
	["killed", "SIGKILL"],
] as const)(
	"mails leased by a process that is %s are sent by another within seconds, each once",
	async (_, signal) => {
		child = await startProcess();
		const { promise, resolve } = Promise.withResolvers<void>();
		mails.accepting = promise;
		const before = mails.received.length;
		const people: string[] = [];
		while (people.length < MAILS) {
			people.push(...(await Promise.all([register(), register()])));
		}
		await eventually("mails on their way", async () => mails.received.length - before === 5);

		child.kill(signal);
		survivor = await startNode("notifications");
		const node = survivor;
		const begun = Date.now();
		resolve();
		await eventually("all mails to be sent", async () => {
			const { items: all } = await callAction(node, "v1.notifications.list", { limit: 100 }, asService());
			return all.filter(({ status }) => status === "sent").length === before + MAILS;
		});
		process.stderr.write(`all mails ${Date.now() - begun} ms after ${signal}\n`);
		expect(timesOf(people)).toEqual(people.map(() => 1));
		if (signal === "SIGSTOP") {
			child.kill("SIGCONT");
			// Once it responds again, it has completed its pending work.
			const last = await register();
			await eventually("another mail", async () => timesOf([last])[0] === 1);
			expect(timesOf(people)).toEqual(people.map(() => 1));
			await eventually("its mark", async () => {
				const { items: all } = await callAction(node, "v1.notifications.list", { limit: 100 }, asService());
				return all.every(({ status }) => status === "sent");
			});
		}
	},
);
