import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, test } from "@jest/globals";
import pg from "pg";
import {
	cleanUp,
	commandOf,
	namespace,
	processesOf,
	run,
	signUp,
	startShop,
	until,
} from "../../tools/shop-process.ts";
import { preparedFolder } from "./prepared-folder.ts";

const AUDITED = { ADMIN_PASSWORD: "rahasia-sekali", AUDIT_EVERY: "1s" };

afterAll(cleanUp);

/** Returns the samples of the audit in the metrics of all processes. */
async function auditMetrics(address: string): Promise<string[]> {
	const targets = (await (await fetch(`${address}/metrics/targets`)).json()) as { targets: [string] }[];
	const texts = await Promise.all(
		targets.map(async ({ targets: [target] }) => (await fetch(`http://${target}/metrics`)).text()),
	);
	return texts.flatMap((text) => text.split("\n").filter((line) => line.startsWith("toko_audit_")));
}

test("two processes audit the shop in turn by themselves, one at a time, and report what they find", async () => {
	const folder = await preparedFolder();
	const shop = await startShop(folder, AUDITED);
	const second = run(folder, ["node", "orders"], AUDITED);
	await second.line(/^joined /);
	let most = 0;
	const watch = setInterval(() => {
		const audits = processesOf(folder).filter((pid) => commandOf(pid).includes("cli/audit.ts"));
		most = Math.max(most, audits.length);
	}, 200);
	try {
		await until("an audit of either process", () =>
			/Audited in [\d.]+ s: no breach/.test(shop.output() + second.output()),
		);
		const healthy = await auditMetrics(shop.address);
		const counts = healthy.filter((line) => line.startsWith("toko_audit_breaches"));
		expect(counts.length).toBeGreaterThan(20);
		expect(counts.filter((line) => !line.endsWith(" 0"))).toEqual([]);

		const token = await signUp(shop.request, "hana");
		const { body: products } = await shop.request("GET", "/api/v1/products?limit=1");
		const body = { items: [{ product_id: products[0].id, quantity: 1 }] };
		expect((await shop.request("POST", "/api/v1/orders", { body, token })).status).toBe(201);
		const { servers } = JSON.parse(readFileSync(join(folder, "parts.json"), "utf8"));
		const { postgres_password } = JSON.parse(readFileSync(join(folder, "secrets.json"), "utf8"));
		const server = `postgres://toko:${postgres_password}@127.0.0.1:${servers.PostgreSQL.port}`;
		const orders = new pg.Client(`${server}/${namespace}_orders`);
		await orders.connect();
		await orders.query("UPDATE orders SET total_minor = total_minor + 1");
		await orders.end();
		const breach = /^toko_audit_breaches\{check="an order's total is the sum of its lines"\} 1$/;
		await until("the breach in the metrics of both processes", async () => {
			const lines = await auditMetrics(shop.address);
			return lines.filter((line) => breach.test(line)).length === 2;
		});
		await until("the breach in the log, without its document", () =>
			/Audited in [\d.]+ s, breaches: .*an order's total is the sum of its lines \(1\)/.test(
				shop.output() + second.output(),
			),
		);
		expect(most).toBe(1);
	} finally {
		clearInterval(watch);
	}
	second.child.kill("SIGTERM");
	expect(await second.ended()).toBe(0);
	shop.child.kill("SIGTERM");
	expect(await shop.ended()).toBe(0);
	await until("no process to be left", () => processesOf(folder).length === 0);
});
