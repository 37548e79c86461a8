import { createHmac } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, test } from "@jest/globals";
import { callAction } from "../../contracts/actions.ts";
import { asService } from "../../middlewares/permissions.ts";
import { setVariables } from "../variables.ts";
import { eventually, newProduct, newUser, SERVICES, startNode } from "./shop.ts";

test("a user with a phone gets a text message beside the mail, signed for the provider, once", async () => {
	const asked: { headers: Record<string, unknown>; body: { id: string; to: string; text: string } }[] = [];
	const answers = [503, 200, 400];
	const provider = createServer((request, response) => {
		let body = "";
		request.on("data", (chunk) => {
			body += chunk;
		});
		request.on("end", () => {
			asked.push({ headers: request.headers, body: JSON.parse(body) });
			response.writeHead(answers[asked.length - 1] ?? 200).end("whatever");
		});
	});
	await new Promise<void>((resolve) => provider.listen(0, "127.0.0.1", resolve));
	const { port } = provider.address() as AddressInfo;
	setVariables({
		SMS_URL: `http://toko:pass%20word@127.0.0.1:${port}/messages`,
		SMS_SECRET: "text secret",
	});
	const shop = await startNode(...SERVICES);
	try {
		const person = await newUser(shop);
		await expect(person.call("v1.users.updateMe", { phone: "0812" })).rejects.toMatchObject({ code: 422 });
		expect(await person.call("v1.users.updateMe", { phone: "+6281234567890" })).toMatchObject({
			phone: "+6281234567890",
		});
		const { id: product_id } = await newProduct(shop, 5, 1_250_000);
		const order = await person.call("v1.orders.place", { items: [{ product_id, quantity: 1 }] });
		await person.call("v1.orders.pay", { id: order.id });
		const texts = () =>
			eventually("a text message", async () => {
				const { items: found } = await person.call("v1.notifications.list", {});
				const all = found.filter(({ channel }) => channel === "sms");
				return all.length > 0 && all.every(({ status }) => status !== "queued") && all;
			});
		const [text] = await texts();
		expect(text).toMatchObject({
			type: "order_paid",
			recipient: "+6281234567890",
			subject: null,
			status: "sent",
		});
		expect(asked).toHaveLength(2);
		for (const { headers, body } of asked) {
			expect(body).toEqual({
				id: text?.id,
				to: "+6281234567890",
				text: expect.stringMatching(new RegExp(`#${order.number}`)),
			});
			expect(headers).toMatchObject({
				"idempotency-key": text?.id,
				authorization: `Basic ${Buffer.from("toko:pass word").toString("base64")}`,
			});
			const [, at, mac] = /^t=(\d+),v1=(\w+)$/.exec(String(headers["toko-signature"])) ?? [];
			const expected = createHmac("sha256", "text secret").update(`${at}.${JSON.stringify(body)}`);
			expect(mac).toBe(expected.digest("hex"));
		}
		await callAction(shop, "v1.orders.ship", { id: order.id }, asService());
		await eventually("a refusal", async () => {
			const { items: found } = await person.call("v1.notifications.list", {});
			return found.some(({ channel, status }) => channel === "sms" && status === "failed");
		});
		expect(asked).toHaveLength(3);
	} finally {
		await shop.stop();
		await new Promise((resolve) => provider.close(resolve));
	}
});
