import { Agent, get } from "node:http";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import type { ServiceBroker } from "moleculer";
import { httpRequests } from "../../observability/metrics.ts";
import { registry } from "../../observability/registry.ts";
import { endpoints } from "../../services/api/routes.ts";
import { send } from "./rest.ts";
import { eventually, newProduct, newUser, type Person, SERVICES, startGateway, startNode } from "./shop.ts";

let shop: ServiceBroker;
let gateway: ServiceBroker;
let address: string;
let buyer: Person;

beforeAll(async () => {
	shop = await startNode(...SERVICES);
	({ gateway, address } = await startGateway());
	buyer = await newUser(shop);
});

afterAll(async () => {
	await gateway.stop();
	await shop.stop();
});

const request = (method: string, path: string, body?: unknown, token = buyer.token) =>
	send(address, method, path, { body, token });

/** Returns the text of `GET /metrics` of the gateway, as Prometheus gets it. */
async function scrape(): Promise<string> {
	const response = await fetch(`${address}/metrics`);
	expect(response.status).toBe(200);
	return response.text();
}

/** Returns the value of a series by its name and labels; undefined if there is none. */
async function seriesOf(name: string, labels: Record<string, string>): Promise<number | undefined> {
	const wanted = Object.entries(labels).map(([label, value]) => `${label}="${value}"`);
	const mayFail = labels.error_type !== undefined;
	const found = (await registry.metrics())
		.split("\n")
		.find(
			(line) =>
				line.startsWith(`${name}{`) &&
				wanted.every((one) => line.includes(one)) &&
				line.includes("error_type") === mayFail,
		);
	return found === undefined ? undefined : Number(/\} (\S+)/.exec(found)?.[1]);
}

async function seriesCount(): Promise<number> {
	const text = await registry.metrics();
	return text.split("\n").filter((line) => line !== "" && !line.startsWith("#")).length;
}

test("an order leaves its marks in requests, calls, events, queries and in the figures of the business", async () => {
	const { id } = await newProduct(shop, 3, 20_000);
	const { body: order } = await request("POST", "/api/v1/orders", {
		items: [{ product_id: id, quantity: 2 }],
	});
	const short = await request("POST", "/api/v1/orders", { items: [{ product_id: id, quantity: 2 }] });
	expect(short.status).toBe(409);
	await request("POST", `/api/v1/orders/${order.id}/pay`, { method: "instant" });
	expect((await request("GET", `/api/orders/${order.id}`)).body.status).toBe("paid");
	await eventually("the mail of the payment", () =>
		seriesOf("toko_mails_total", { type: "order_paid", state: "sent" }),
	);

	const http = (method: string, http_route: string, status: string) =>
		seriesOf("http_server_request_duration_seconds_count", { method, http_route, status });
	expect(await http("POST", "/api/v1/orders", "201")).toBe(1);
	expect(await http("POST", "/api/v1/orders", "409")).toBe(1);
	// The address without a version is the same route.
	expect(await http("GET", "/api/v1/orders/:id", "200")).toBe(1);
	const served = (labels: Record<string, string>) =>
		seriesOf("rpc_server_call_duration_seconds_count", labels);
	expect(await served({ rpc_method: "v1.orders.place" })).toBe(1);
	expect(await served({ rpc_method: "v1.orders.place", error_type: "OUT_OF_STOCK" })).toBe(1);
	expect(await seriesOf("rpc_client_call_duration_seconds_count", { rpc_method: "v1.orders.place" })).toBe(1);
	await eventually("the event to be handled", async () => {
		const labels = {
			messaging_consumer_group_name: "notifications",
			messaging_destination_name: "order.paid",
		};
		return (await seriesOf("messaging_process_duration_seconds_count", labels)) === 1;
	});
	expect(await seriesOf("toko_orders_total", { status: "pending" })).toBe(1);
	expect(await seriesOf("toko_orders_total", { status: "paid" })).toBe(1);
	expect(await seriesOf("toko_payments_total", { outcome: "paid" })).toBe(1);
	expect(await seriesOf("toko_revenue_total", { currency: "IDR" })).toBe(40_000);
	expect(await scrape()).toMatch(/^toko_stock_outs_total 1$/m);
	for (const service of ["users", "orders"]) {
		// It is read once a second.
		await eventually(
			`the outbox of ${service} to be read as empty`,
			async () => (await seriesOf("toko_outbox_pending", { service })) === 0,
		);
	}
	await eventually(
		"the inbox to be checked",
		async () => (await seriesOf("toko_inbox_pending", { service: "notifications" })) === 0,
	);
	for (const name of ["orders", "users", "notifications"]) {
		const labels = { db_client_connection_pool_name: `toko ${name}`, db_client_connection_state: "idle" };
		expect(await seriesOf("db_client_connection_count", labels)).toBeGreaterThanOrEqual(0);
	}
});

test("addresses, methods and bodies of strangers make no new labels", async () => {
	const routes = [...endpoints(false), ...endpoints(true)].map(({ contract: { rest }, of }) =>
		rest.outermost ? rest.path : `/api/v${of.version}${rest.path}`,
	);
	for (let number = 1; number <= 20; number++) {
		await request("GET", `/api/v1/products/${"x".repeat(number * 50)}`);
		await request("GET", `/strange/${number}`);
		await request("PUT", "/api/v1/orders", { number });
		await request("POST", "/api/v1/users/login", {
			email: `${number}@toko.test`,
			password: "rahasia-sekali",
		});
		await fetch(`${address}/api/v1/products`, { method: `M${number}` }).catch(() => undefined);
	}
	const { values } = await httpRequests.get();
	const labels = (name: "method" | "http_route" | "status") =>
		[...new Set(values.map((value) => String(value.labels[name])))].sort();
	expect(labels("http_route").filter((route) => !routes.includes(route))).toEqual(["", "/metrics"]);
	expect(["_OTHER", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"]).toEqual(
		expect.arrayContaining(labels("method")),
	);
	expect(labels("status").every((status) => /^[2-5]\d\d$/.test(status))).toBe(true);
});

test("a thousand scrapes at once cost about one", async () => {
	const agent = new Agent({ keepAlive: true, maxSockets: 200 });
	const begun = performance.now();
	const texts = await Promise.all(
		Array.from(
			{ length: 1000 },
			() =>
				new Promise<string>((resolve, reject) => {
					get(`${address}/metrics`, { agent }, (response) => text(response).then(resolve, reject)).on(
						"error",
						reject,
					);
				}),
		),
	);
	agent.destroy();
	expect(texts.every((scraped) => scraped.includes("toko_orders_total"))).toBe(true);
	// The text of a scrape is sent for a second.
	const runs = new Set(
		texts.map((scraped) => /^process_cpu_seconds_total.*|^toko_outbox_pending.*$/m.exec(scraped)?.[0]),
	);
	expect(runs.size).toBeLessThan(10 + (performance.now() - begun) / 1000);
});

test("a process with all services has less than 2,000 series after requests of all kinds", async () => {
	for (const { contract, of } of [...endpoints(false), ...endpoints(true)]) {
		const { method, path, outermost } = contract.rest;
		const target = `${outermost ? "" : `/api/v${of.version}`}${path.replace(/:\w+/g, "1")}`;
		for (const token of [buyer.token, undefined]) {
			await send(address, method, target, {
				body: method === "GET" ? undefined : {},
				...(token ? { token } : {}),
			});
		}
	}
	expect(await seriesCount()).toBeLessThan(2000);
	expect((await scrape()).length).toBeLessThan(200_000);
});
