import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { type Context, Errors, type Middleware, type Service, ServiceBroker } from "moleculer";
import { callAction } from "../../contracts/actions.ts";
import { failureDetectionMiddleware } from "../../middlewares/load-balancing.ts";
import { brokerOptions } from "../../moleculer.config.ts";
import { admin, eventually, intoFile, newUser, startNode, startNodeWith } from "./shop.ts";

let caller: ServiceBroker;
let first: ServiceBroker;
let second: ServiceBroker;

/** Number of actions run by each node, and the function that it runs before each. */
const nodes = [
	{ runs: 0, before: async () => {} },
	{ runs: 0, before: async () => {} },
] as { runs: number; before: (name: string) => Promise<void> }[];

function watched(at: number): Middleware {
	return {
		name: "TestWatch",
		localAction(next, action) {
			return async function watch(this: Service, ctx: Context) {
				const node = nodes[at] as (typeof nodes)[number];
				if (action.name === "v1.users.jwks") {
					node.runs++;
					await node.before(action.name);
				}
				return next.call(this, ctx);
			};
		},
	};
}

beforeAll(async () => {
	[first, second] = await Promise.all([
		startNodeWith([watched(0)], "users"),
		startNodeWith([watched(1)], "users"),
	]);
	caller = await startNode();
	await caller.waitForServices("v1.users");
	await eventually("both nodes", async () => knownTo(caller) === 2);
});

afterAll(async () => {
	await Promise.all([caller, first, second].map((broker) => broker.stop()));
});

function knownTo(broker: ServiceBroker): number {
	return broker.registry.actions.get("v1.users.jwks")?.count() ?? 0;
}

function reset() {
	for (const node of nodes) {
		node.runs = 0;
		node.before = async () => {};
	}
}

const ask = () => callAction(caller, "v1.users.jwks", {});

test("nodes with equal load get calls in turn", async () => {
	reset();
	for (let turn = 0; turn < 20; turn++) {
		await ask();
	}
	expect(nodes.map(({ runs }) => runs)).toEqual([10, 10]);
});

test("a node that is slow gets fewer calls", async () => {
	reset();
	let release = () => {};
	const held = new Promise<void>((resolve) => {
		release = resolve;
	});
	(nodes[0] as (typeof nodes)[number]).before = () => held;
	// Without a deadline, which a busy machine could miss.
	const askAtLeisure = () => callAction(caller, "v1.users.jwks", {}, { timeout: 0 });
	const waiting = [askAtLeisure(), askAtLeisure()];
	await eventually("a call at the slow node", async () => (nodes[0]?.runs ?? 0) > 0);
	// Until the other one is answered, both nodes have as many calls.
	await Promise.race(waiting);
	for (let turn = 0; turn < 20; turn++) {
		await ask();
	}
	expect(nodes[0]?.runs).toBe(1);
	release();
	await Promise.all(waiting);
});

test("a process that hosts an action itself shares its calls with the others", async () => {
	reset();
	for (const node of nodes) {
		node.before = () => new Promise((wake) => setTimeout(wake, 50));
	}
	await eventually("both nodes", async () => knownTo(first) === 2);
	await Promise.all(Array.from({ length: 40 }, () => callAction(first, "v1.users.jwks", {})));
	expect(nodes.map(({ runs }) => runs)).toEqual([20, 20]);
	reset();
});

test("the circuit breaker opens also for a node that was away for a moment", async () => {
	const flaky = await startNode();
	flaky.createService({
		name: "$flaky",
		actions: {
			fail() {
				throw new Errors.MoleculerServerError("never", 500, "NEVER", {});
			},
		},
	});
	const fail = () => caller.call("$flaky.fail").catch((error: Error) => error.name);
	await caller.waitForServices("$flaky");
	expect(await fail()).toBe("MoleculerServerError");
	caller.registry.nodes.disconnected(flaky.nodeID, true);
	// Its next heartbeat reconnects it.
	await eventually("its return", async () => (await fail()) === "MoleculerServerError");
	const answers: unknown[] = [];
	for (let call = 0; call < 40; call++) {
		answers.push(await fail());
	}
	expect(answers.at(-1)).toBe("ServiceNotAvailableError");
	await flaky.stop();
});

test("a call that fails with a transient error is retried at another node", async () => {
	reset();
	(nodes[0] as (typeof nodes)[number]).before = async () => {
		throw new Errors.MoleculerRetryableError("not now", 503, "AWAY");
	};
	for (let turn = 0; turn < 10; turn++) {
		expect((await ask()).keys.length).toBeGreaterThan(0);
	}
	expect(nodes[0]?.runs).toBeGreaterThan(0);
	reset();
});

test("outstanding calls to a dead node fail within a second, not when it misses its heartbeats", async () => {
	reset();
	const dying = new ServiceBroker({
		...brokerOptions({ nodeID: `dying-${randomUUID()}`, logger: intoFile() }),
		// Without other middlewares, whose connections would stay open.
		middlewares: [failureDetectionMiddleware()],
	});
	let release = () => {};
	const hang = () =>
		new Promise<void>((resolve) => {
			release = resolve;
		});
	dying.createService({ name: "$dying", actions: { hang } });
	await dying.start();
	await caller.waitForServices("$dying");
	const begun = performance.now();
	const owed = caller.call("$dying.hang").catch((error: Error) => error);
	const { tx } = dying.transit as unknown as { tx: { client: { close(): Promise<void> } } };
	// Like a killed process: its connection closes without a message.
	await tx.client.close();
	expect(await owed).toBeInstanceOf(Errors.RequestRejectedError);
	expect(performance.now() - begun).toBeLessThan(2500);
	release();
	// It would notify the others, but is disconnected.
	await dying.stop().catch(() => undefined);
});

test("calls go on while one of two nodes stops", async () => {
	reset();
	const leaving = await startNode("users");
	await eventually("three nodes", async () => knownTo(caller) === 3);
	const person = await newUser(first);
	await admin(first);
	let isOver = false;
	const failures: unknown[] = [];
	const calling = Array.from({ length: 8 }, async () => {
		while (!isOver) {
			await callAction(caller, "v1.users.me", {}, { meta: { token: person.token } }).catch((error) =>
				failures.push(error),
			);
		}
	});
	await leaving.stop();
	isOver = true;
	await Promise.all(calling);
	expect(failures).toEqual([]);
});

test("a process that stood still itself takes no other for dead", async () => {
	const lost: string[] = [];
	const note = ({ node }: { node: { id: string } }) => lost.push(node.id);
	caller.localBus.on("$node.disconnected", note);
	// Longer than heartbeats may be missing, and than Moleculer takes to look for them again.
	Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 7_000);
	await ask();
	caller.localBus.off("$node.disconnected", note);
	expect(lost).toEqual([]);
	expect(knownTo(caller)).toBe(2);
});
