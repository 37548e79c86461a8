import { randomUUID } from "node:crypto";
import { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { type Context, type Middleware, ServiceBroker } from "moleculer";
import { deduplicationMiddleware } from "../../middlewares/deduplication.ts";

// Two nodes, one of which sends each request three times.

let caller: ServiceBroker;
let callee: ServiceBroker;
let calls: number;
let refusals: number;

const namespace = randomUUID();

function newBroker(middlewares: Middleware[], options: object = {}): ServiceBroker {
	return new ServiceBroker({ namespace, logger: false, transporter: "Fake", middlewares, ...options });
}

beforeAll(async () => {
	calls = 0;
	refusals = 0;
	const repeating = {
		transporterSend: (next: (...args: unknown[]) => Promise<void>) =>
			async function sendThrice(...args: unknown[]) {
				const [topic] = args as [string];
				for (let time = /\.REQ\./.test(topic) && !isStreaming ? 3 : 1; time > 0; time--) {
					await next(...args);
				}
			},
	};
	caller = newBroker([repeating as unknown as Middleware], {
		nodeID: "caller",
		retryPolicy: { enabled: true, retries: 3, delay: 1, check: () => true },
	});
	callee = newBroker([deduplicationMiddleware()], { nodeID: "callee" });
	callee.createService({
		name: "counter",
		actions: {
			count: () => ++calls,
			refuse: () => {
				throw new Error(`refusal ${++refusals}`);
			},
			read: (ctx: Context) => text((ctx as unknown as { stream: Readable }).stream),
		},
	});
	await Promise.all([caller.start(), callee.start()]);
	await caller.waitForServices("counter");
});

afterAll(async () => {
	await Promise.all([caller.stop(), callee.stop()]);
});

let isStreaming = false;

test("a request that arrives three times is one call, two requests are two calls", async () => {
	expect(await caller.call("counter.count")).toBe(1);
	expect(await Promise.all([caller.call("counter.count"), caller.call("counter.count")])).toEqual([2, 3]);
	expect(calls).toBe(3);
});

test("a call that is made again after a failure is another request", async () => {
	await expect(caller.call("counter.refuse")).rejects.toThrow("refusal 4");
	expect(refusals).toBe(4);
});

test("all chunks of a stream arrive", async () => {
	isStreaming = true;
	const parts = Array.from({ length: 50 }, (_, number) => `${number},`);
	const options = { stream: Readable.from(parts, { objectMode: false }) };
	expect(await caller.call("counter.read", {}, options as object)).toBe(parts.join(""));
});
