import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import {
	cleanUp,
	logIn,
	powerCut,
	processesOf,
	type Request,
	run,
	signUp,
	startShop,
	until,
} from "../../tools/shop-process.ts";
import { preparedFolder } from "./prepared-folder.ts";

const ADMIN = { ADMIN_EMAIL: "keeper@toko.test", ADMIN_PASSWORD: "rahasia-sekali" };

/** A shop whose power stays, in its folder. */
let neighbour: Awaited<ReturnType<typeof startShop>>;
let next: string;

beforeAll(async () => {
	next = await preparedFolder();
	neighbour = await startShop(next, ADMIN);
});

afterAll(cleanUp);

/** Registers users and places orders until the shop is down. Returns all that it accepted. */
async function buyUntilTheEnd(request: Request, name: string) {
	const answered = { users: [] as number[], orders: [] as string[] };
	const product = (await request("GET", "/api/v1/products?limit=1")).body[0];
	try {
		const token = await signUp(request, name);
		for (let number = 0; ; number++) {
			const person = {
				email: `${name}${number}@toko.test`,
				username: `${name}${number}`,
				password: "rahasia-sekali",
				full_name: "B",
			};
			const registered = await request("POST", "/api/v1/users/register", { body: person });
			if (registered.status === 201) {
				answered.users.push(registered.body.id);
			}
			const body = { items: [{ product_id: product.id, quantity: 1 }] };
			const placed = await request("POST", "/api/v1/orders", { body, token, key: `${name}-${number}` });
			if (placed.status === 201) {
				answered.orders.push(placed.body.id);
			}
		}
	} catch {
		return answered;
	}
}

async function all(request: Request, path: string, token: string) {
	const rows: Record<string, string | number>[] = [];
	for (;;) {
		const page = (await request("GET", `/api/v1/${path}?skip=${rows.length}&limit=100`, { token })).body;
		rows.push(...page);
		if (page.length < 100) {
			return rows;
		}
	}
}

test("a shop whose power is cut recovers by itself with everything it had confirmed, and its neighbour does not notice", async () => {
	const folder = await preparedFolder();
	const shop = await startShop(folder, ADMIN);
	await signUp(shop.request, "only-here");
	await expect(logIn(neighbour.request, "only-here@toko.test", "rahasia-sekali")).rejects.toThrow("401");

	const buyers = ["ani", "budi", "citra"].map((name) => buyUntilTheEnd(shop.request, name));
	const keeper = await logIn(shop.request, ADMIN.ADMIN_EMAIL, ADMIN.ADMIN_PASSWORD);
	await until("some orders", async () => (await all(shop.request, "orders", keeper)).length >= 20);
	powerCut(folder);
	const answered = await Promise.all(buyers);
	await until("everything to be dead", () => processesOf(folder).length === 0);

	// Makes every recorded process id one of an unrelated process.
	for (const name of readdirSync(folder).filter((name) => name.endsWith(".lock"))) {
		const held = JSON.parse(readFileSync(join(folder, name), "utf8"));
		writeFileSync(join(folder, name), JSON.stringify({ ...held, pid: process.pid }));
	}
	writeFileSync(join(folder, "postgres/postmaster.pid"), `${process.pid}\n${join(folder, "postgres")}\n`);

	await until("readiness", async () => (await neighbour.request("GET", "/health/ready")).status === 200);
	const again = await startShop(folder, ADMIN);
	const token = await logIn(again.request, ADMIN.ADMIN_EMAIL, ADMIN.ADMIN_PASSWORD);
	const [users, orders] = [
		await all(again.request, "users", token),
		await all(again.request, "orders", token),
	];
	const ids = { users: new Set(users.map(({ id }) => id)), orders: new Set(orders.map(({ id }) => id)) };
	for (const { users, orders } of answered) {
		expect(users.filter((id) => !ids.users.has(id))).toEqual([]);
		expect(orders.filter((id) => !ids.orders.has(id))).toEqual([]);
	}
	await until("every mail to be sent", async () => {
		const mails = await all(again.request, "notifications", token);
		const count = (type: string) =>
			mails.filter((mail) => mail.type === type && mail.status === "sent").length;
		return count("welcome") === users.length && count("order_confirmation") === orders.length;
	});
	const running = run(folder, ["audit"]);
	expect([await running.ended(), running.output()]).toEqual([0, expect.stringMatching(/^no breach$/m)]);
	again.child.kill("SIGTERM");
	await again.ended();
	const standing = run(folder, ["audit"]);
	expect([await standing.ended(), standing.output()]).toEqual([0, expect.stringMatching(/^no breach$/m)]);
	await until("nothing to be left of the audit", () => processesOf(folder).length === 0);
	console.info(
		`kept ${users.length} users, ${orders.length} orders and their mails; ready again after ${again.ready_ms} ms`,
	);
});

test("while NATS does not answer orders go on, and afterwards every mail of them is sent", async () => {
	const { line, request } = neighbour;
	const token = await signUp(request, "fajar");
	const { body: products } = await request("GET", "/api/v1/products?limit=1");
	const { servers } = JSON.parse(readFileSync(join(next, "parts.json"), "utf8"));
	process.kill(servers.NATS.pid, "SIGSTOP");
	try {
		for (let number = 0; number < 5; number++) {
			const body = { items: [{ product_id: products[0].id, quantity: 1 }] };
			const placed = await request("POST", "/api/v1/orders", { body, token });
			expect(placed.status).toBe(201);
			const paid = await request("POST", `/api/v1/orders/${placed.body.id}/pay`, { token });
			expect(paid.status).toBe(200);
		}
		await line(/Events of orders are waiting to be published: TIMEOUT/);
	} finally {
		process.kill(servers.NATS.pid, "SIGCONT");
	}
	await until("every mail to be sent", async () => {
		const mails = await all(request, "notifications", token);
		const sent = (type: string) =>
			mails.filter((mail) => mail.type === type && mail.status === "sent").length;
		return sent("welcome") === 1 && sent("order_confirmation") === 5 && sent("order_paid") === 5;
	});
});
