import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import {
	type Command,
	cleanUp,
	client,
	newFolder,
	type Request,
	readyAddress,
	run,
	signUp,
	until,
} from "../../tools/shop-process.ts";
import { notRun } from "../not-run.ts";
import { preparedFolder } from "./prepared-folder.ts";
import { startLogStore, victoriaLogs } from "./victoria-logs.ts";

const ADMIN = { ADMIN_PASSWORD: "rahasia-sekali" };
const JSON_LOGS = { ...ADMIN, LOG_FORMAT: "json" };
const ORDER_ID = "an-order-of-the-logs";
const EVENT_ID = "an-order-with-a-mail";
const JOB_ID = "a-request-with-a-job";

interface Line {
	level: number;
	service: string;
	msg: string;
	request_id?: string;
	action?: string;
	event?: string;
	[field: string]: unknown;
}

let folder: string;
let processes: Command[];
let request: Request;
let address: string;
let token: string;

beforeAll(async () => {
	folder = await preparedFolder();
	const shop = run(folder, ["start"], { ...JSON_LOGS, SERVICES: "api users" });
	await shop.line(/^waiting for /);
	const others = [
		run(folder, ["node", "products"], JSON_LOGS),
		run(folder, ["node", "orders", "notifications"], JSON_LOGS),
	];
	await Promise.all(others.map((node) => node.line(/^joined /)));
	processes = [shop, ...others];
	address = await readyAddress(shop);
	request = client(address);
	token = await signUp(request, "indah");
	await repl("log all debug");
});

afterAll(cleanUp);

async function repl(...lines: string[]) {
	const command = run(folder, ["repl"], {}, `${lines.join("\n")}\n`);
	expect(await command.ended()).toBe(0);
	return command.output() + command.errors();
}

/** Returns the lines of all processes, in the order of the processes. */
function lines(): Line[] {
	return processes.flatMap((one) =>
		one
			.output()
			.split("\n")
			.slice(0, -1)
			.filter((line) => line.startsWith("{"))
			.map((line) => JSON.parse(line) as Line),
	);
}

async function fetchAs(id: string, path: string, init: RequestInit = {}) {
	const headers = {
		"x-request-id": id,
		authorization: `Bearer ${token}`,
		"content-type": "application/json",
	};
	return fetch(`${address}/api/v1${path}`, { ...init, headers });
}

async function placeOrder(id: string): Promise<number> {
	const { body: products } = await request("GET", "/api/v1/products?limit=1");
	const body = JSON.stringify({
		items: [{ product_id: products[0].id, quantity: 1 }],
		shipping_address: "Jalan Rahasia 7",
		note: "Tolong dibungkus",
	});
	return (await fetchAs(id, "/orders", { method: "POST", body })).status;
}

test("every line of an order, in all processes, names its request, user, node, service and action", async () => {
	expect(await placeOrder(ORDER_ID)).toBe(201);
	const ofOrder = () => lines().filter(({ request_id }) => request_id === ORDER_ID);
	const place = () => ofOrder().find(({ msg }) => /^v1\.orders\.place succeeded in \d+ ms$/.test(msg));
	await until("lines of both services", () => {
		const actions = ofOrder().map(({ service, action }) => `${service} ${action}`);
		return actions.includes("products v1.products.reserve") && place() !== undefined;
	});
	// Without the lines of its mail, for which the node of users is asked.
	const placed = ofOrder().filter(({ action }) => action && action !== "v1.users.contacts");
	const nodes = new Set(placed.map(({ node }) => node));
	expect(nodes.size).toBe(2);
	expect(place()).toMatchObject({
		...{ service: "orders", level: 20, action: "v1.orders.place", user_id: expect.any(Number) },
	});
	const withoutRequest = lines().filter(({ action, request_id }) => action && !request_id);
	expect(withoutRequest).toEqual([]);
});

test("lines of an event's handlers name the event and the request that has caused it", async () => {
	expect(await placeOrder(EVENT_ID)).toBe(201);
	const handled = () => lines().find(({ request_id, msg }) => request_id === EVENT_ID && msg === "handled");
	await until("the handled event", () => handled() !== undefined);
	expect(handled()).toMatchObject({
		service: "notifications",
		event: "order.placed",
		event_id: expect.stringMatching(/^[0-9a-f-]{36}$/),
	});
	// A call for the addresses of several mails names a request only if all of them have come from it.
	await until("a call for the address of a mail of this request alone", async () => {
		const isFound = lines().some(
			({ request_id, action }) => request_id === EVENT_ID && action === "v1.users.contacts",
		);
		if (!isFound) {
			expect(await placeOrder(EVENT_ID)).toBe(201);
		}
		return isFound;
	});
});

test("lines of a job name the request that has added it", async () => {
	const body = JSON.stringify({ email: "indah@toko.test" });
	const { status } = await fetchAs(JOB_ID, "/users/forgot-password", { method: "POST", body });
	expect(status).toBe(202);
	const handled = () => lines().find(({ request_id, msg }) => request_id === JOB_ID && msg === "handled");
	await until("the event of the job", () => handled() !== undefined);
	expect(handled()?.event).toBe("user.password_reset_requested");
});

describe("the gateway logs", () => {
	const ofGateway = (id: string) =>
		lines().filter(({ request_id, http_route }) => request_id === id && http_route);

	test("a request that failed by its pattern, never its query or body", async () => {
		const [, , orders] = processes as [Command, Command, Command];
		await repl("log all info");
		expect((await fetchAs("a-good-request", "/products?limit=1&q=rahasia")).status).toBe(200);
		orders.child.kill("SIGTERM");
		await orders.ended();
		await until("a refused request", async () => {
			const { status } = await fetchAs("a-failed-request", "/orders?limit=1&cursor=rahasia");
			return status >= 500;
		});
		await until("its line", () => ofGateway("a-failed-request").length > 0);
		const [line] = ofGateway("a-failed-request") as [Line];
		const { method, http_route, status, duration_ms, level, msg, user_id } = line;
		expect({ method, http_route, status, level }).toEqual({
			...{ method: "GET", http_route: "/api/v1/orders", status: 503, level: 40 },
		});
		expect(user_id).toBe(
			lines().find(({ request_id, user_id }) => request_id === ORDER_ID && user_id)?.user_id,
		);
		expect(msg).toBe(`GET /api/v1/orders 503 in ${duration_ms} ms`);
		expect(ofGateway("a-good-request")).toEqual([]);
		const all = processes.map((one) => one.output()).join("\n");
		expect(all).not.toMatch(/cursor=rahasia|q=rahasia|Jalan Rahasia|Tolong dibungkus|indah@toko/);
	});

	test("all requests with LOG_SAMPLE=1", async () => {
		const shop = run(await preparedFolder(), ["start"], { ...JSON_LOGS, LOG_SAMPLE: "1" });
		await fetch(`${await readyAddress(shop)}/api/v1/products?limit=1`);
		await shop.line(/"http_route":"\/api\/v1\/products","status":200,"duration_ms":\d+/);
		shop.child.kill("SIGTERM");
		expect(await shop.ended()).toBe(0);
	});
});

const found = victoriaLogs();
if ("why" in found) {
	notRun("lines of an order in a log store", found.why);
} else {
	test("a log store finds the lines of an order by its request", async () => {
		const store = await startLogStore(found.program, newFolder());
		try {
			const sent = lines();
			await store.insert(sent);
			const ofOrder = await store.find(`request_id:="${ORDER_ID}"`);
			expect(ofOrder.length).toBe(sent.filter(({ request_id }) => request_id === ORDER_ID).length);
			expect(ofOrder.map(({ action }) => action)).toEqual(
				expect.arrayContaining(["v1.orders.place", "v1.products.reserve"]),
			);
		} finally {
			await store.stop();
		}
	});
}
