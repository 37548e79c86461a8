import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import type { ServiceBroker } from "moleculer";
import { callAction } from "../../contracts/actions.ts";
import { asService } from "../../middlewares/permissions.ts";
import type { DeliveryProcess } from "../../services/notifications/delivery.ts";
import { setVariables } from "../variables.ts";
import { eventually, PASSWORD, startNode } from "./shop.ts";
import { type SlowMailServer, startSlowMailServer } from "./slow-mail-server.ts";

const MAILS = 6;
let mails: SlowMailServer;
let shop: ServiceBroker;

beforeAll(async () => {
	mails = await startSlowMailServer();
	// The first mails wait while the other people register.
	setVariables({ SMTP_URL: `${mails.url}?socketTimeout=30000` });
	shop = await startNode("users", "notifications");
});

afterAll(async () => {
	await shop.stop();
	await mails.close();
});

const health = () =>
	callAction(shop, "v1.notifications.health", {}).then(
		() => "healthy",
		({ type }) => type as string,
	);

const register = (username: string) =>
	callAction(shop, "v1.users.register", {
		...{ email: `${username}@toko.test`, username, password: PASSWORD, full_name: "Budi" },
	});

test("a frozen delivery worker is replaced; its messages are sent once more at most, and the service reports it meanwhile", async () => {
	const { delivery } = shop.getLocalService({ name: "notifications", version: 1 }) as unknown as {
		delivery: DeliveryProcess;
	};
	// Ensures that it has loaded its program.
	await register("first");
	await eventually("a first mail", async () => mails.received.length === 1);
	const { promise, resolve } = Promise.withResolvers<void>();
	mails.accepting = promise;
	for (let number = 0; number < MAILS; number++) {
		await register(`u${randomUUID().slice(0, 8)}`);
	}
	await eventually("mails in hand", async () => mails.received.length > 3);

	const { pid } = delivery;
	process.kill(pid as number, "SIGSTOP");
	resolve();
	await eventually("the service to say so", async () => (await health()) === "MESSAGES_NOT_SENT");
	await eventually("the service to be well", async () => (await health()) === "healthy");
	expect(delivery.pid).not.toBe(pid);
	await eventually("all mails to be sent", async () => {
		const { items: all } = await callAction(shop, "v1.notifications.list", { limit: 100 }, asService());
		return all.length === MAILS + 1 && all.every(({ status }) => status === "sent");
	});
	const counts = Object.values(Object.groupBy(mails.received, (address) => address)).map(
		(mails) => mails?.length,
	);
	expect(counts).toHaveLength(MAILS + 1);
	expect(Math.max(...(counts as number[]))).toBeLessThanOrEqual(2);
});

test("a delivery worker that freezes just before its service stops delays it by some seconds at most", async () => {
	const { delivery } = shop.getLocalService({ name: "notifications", version: 1 }) as unknown as {
		delivery: DeliveryProcess;
	};
	const pid = delivery.pid as number;
	process.kill(pid, "SIGSTOP");
	await shop.stop();
	expect(() => process.kill(pid, 0)).toThrow("ESRCH");
});
