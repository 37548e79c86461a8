import { afterEach, beforeEach, expect, test } from "@jest/globals";
import type { ServiceBroker } from "moleculer";
import { HealthServer } from "../../hosting/health-server.ts";
import { eventually, startNode } from "./shop.ts";

let node: ServiceBroker;
let health: HealthServer;
let address: string;

beforeEach(async () => {
	node = await startNode("users", "orders");
	health = new HealthServer(node, ["users", "orders"]);
	address = await health.listen();
});

afterEach(() => node.stop());

async function look(path: string) {
	const response = await fetch(`${address}${path}`);
	return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

const alive = () => ({ status: 200, body: { status: "alive", node: node.nodeID } });

test("a process is alive from the start, and ready once it has started", async () => {
	expect(await look("/health/live")).toEqual(alive());
	expect(await look("/health/ready")).toEqual({
		status: 503,
		body: { status: "not_ready", node: node.nodeID, services: { users: "starting", orders: "starting" } },
	});
	health.started();
	await eventually("readiness", async () => (await look("/health/ready")).status === 200);
	expect(await look("/health/ready")).toEqual({
		status: 200,
		body: {
			status: "ready",
			node: node.nodeID,
			services: { users: "healthy", orders: "healthy", nats: "healthy" },
		},
	});
});

test("a process that stops is alive, but not ready", async () => {
	health.started();
	health.stopping();
	expect(await look("/health/live")).toEqual(alive());
	expect(await look("/health/ready")).toEqual({
		status: 503,
		body: { status: "not_ready", node: node.nodeID, services: { users: "stopping", orders: "stopping" } },
	});
});

test("a process that is cut off from the others is not ready", async () => {
	health.started();
	await node.stop();
	expect(await look("/health/ready")).toMatchObject({
		status: 503,
		body: { services: { users: "unavailable", orders: "unavailable", nats: "unavailable" } },
	});
	node = await startNode("users");
});

test("unknown addresses are distinguished from an unhealthy process", async () => {
	health.started();
	expect((await look("/")).status).toBe(404);
	await eventually("readiness", async () => (await look("/health/ready/?probe=1")).status === 200);
	expect((await fetch(`${address}/health/ready`, { method: "POST" })).status).toBe(405);
});
