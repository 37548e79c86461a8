import { randomUUID } from "node:crypto";
import { beforeEach, describe, expect, test } from "@jest/globals";
import type { ServiceSchema } from "moleculer";
import { problem } from "../../contracts/problems.ts";
import { NotWritten } from "../../database/append-log.ts";
import { ALL_EVENTS } from "../../events/envelope.ts";
import { orderEvents } from "../../services/products/order-events.ts";

type Handle = (this: object, given: unknown, message: object) => Promise<void>;

/** A service whose store fails on demand. */
class Store {
	/** Errors to throw while set: on reading products and on recording a position. */
	failures: { find?: Error | undefined; raise?: Error | undefined; ready?: Error | undefined } = {};
	/** Reservations requested from products, by call. */
	asked: string[][] = [];
	raised: number[] = [];
	errors: string[] = [];
	#handle: Handle;
	#service: object;

	constructor() {
		const { created, channels } = orderEvents() as ServiceSchema & {
			channels: Record<string, { handler: Handle }>;
		};
		const find = async ({ query }: { query: Record<string, { $in: string[] }> }) => {
			this.asked.push(query["holds.reservation_id"]?.$in ?? []);
			this.#throw("find");
			return [];
		};
		this.#service = {
			adapter: { find },
			secondary: { find: async () => [] },
			broker: { localBus: { emit: () => undefined } },
			consistency: { ready: async () => this.#throw("ready") },
			logger: { warn: () => undefined, error: (line: string) => this.errors.push(line) },
			storeMetadata: {
				raise: async (_: string, position: number) => {
					this.#throw("raise");
					this.raised.push(position);
				},
			},
		};
		(created as (this: object) => void).call(this.#service);
		this.#handle = channels[ALL_EVENTS]?.handler as Handle;
	}

	/** Delivers an event. Returns the delay of its redelivery, or undefined if it is acknowledged. */
	async deliver(event: object, seq: number, redeliveryCount: number): Promise<number | undefined> {
		const naks: number[] = [];
		const message = {
			...{ seq, info: { redeliveryCount }, working: () => undefined },
			nak: (delay_ms: number) => naks.push(delay_ms),
		};
		await this.#handle.call(this.#service, event, message);
		expect(naks.length).toBeLessThanOrEqual(1);
		return naks[0];
	}

	#throw(where: keyof Store["failures"]): void {
		const failure = this.failures[where];
		if (failure) {
			throw failure;
		}
	}
}

function cancelled(order_id: string = randomUUID()): object {
	const data = { order_id, number: "TK-1", user_id: 1, total_minor: 100, currency: "IDR" };
	return {
		...{ id: randomUUID(), name: "order.cancelled", version: 1, sequence: 2, aggregate: `order:${order_id}` },
		...{ occurred_at: new Date().toISOString(), data },
	};
}

describe("an event that settles a hold", () => {
	let store: Store;

	beforeEach(() => {
		store = new Store();
	});

	test("is acknowledged once its hold is settled and its position is recorded", async () => {
		const order_id = randomUUID();
		expect(await store.deliver(cancelled(order_id), 7, 1)).toBeUndefined();
		expect(store.asked).toEqual([[order_id]]);
		expect(store.raised).toEqual([7]);
	});

	test("is retried with backoff for as long as the store cannot be written, and never given up", async () => {
		const event = cancelled();
		const full = new NotWritten("products.db", new Error("ENOSPC: no space left on device, write"));
		store.failures = { find: full, raise: full };
		for (let delivery = 1; delivery <= 40; delivery++) {
			const pause_ms = (await store.deliver(event, 7, delivery)) as number;
			expect(pause_ms).toBeGreaterThanOrEqual(Math.min(15_000, 125 * 2 ** delivery));
			expect(pause_ms).toBeLessThanOrEqual(30_000);
		}
		store.failures = {};
		expect(await store.deliver(event, 7, 41)).toBeUndefined();
		expect(store.errors).toEqual([]);
	});

	test("is retried while MongoDB is unavailable, however often", async () => {
		const event = cancelled();
		const away = Object.assign(new Error("Server selection timed out after 3000 ms"), {
			name: "MongoServerSelectionError",
		});
		store.failures = { find: away };
		for (let delivery = 1; delivery <= 10; delivery++) {
			expect(await store.deliver(event, 7, delivery)).toBeGreaterThan(0);
		}
		expect(store.errors).toEqual([]);
	});

	test("is left to the sweeper after five failures of its own: transient ones do not count", async () => {
		const event = cancelled();
		let delivery = 0;
		for (const failure of [
			problem("DATA_BEHIND", { service: "products" }),
			new Error("connection refused"),
		]) {
			store.failures = { ready: failure };
			for (let tried = 0; tried < 6; tried++) {
				expect(await store.deliver(event, 7, ++delivery)).toBeGreaterThan(0);
			}
		}
		store.failures = { find: new Error("a mistake") };
		for (let tried = 1; tried < 5; tried++) {
			expect(await store.deliver(event, 7, ++delivery)).toBeGreaterThan(0);
		}
		expect(store.errors).toEqual([]);
		expect(await store.deliver(event, 7, ++delivery)).toBeUndefined();
		expect(store.errors).toEqual([expect.stringContaining("is left to the next sweep: a mistake")]);
		expect(store.raised.at(-1)).toBe(7);
	});

	test("is retried after a pause if not even its handover to the sweeper can be stored", async () => {
		const event = cancelled();
		store.failures = { find: new Error("a mistake"), raise: new Error("another one") };
		for (let delivery = 1; delivery <= 20; delivery++) {
			expect(await store.deliver(event, 7, delivery)).toBeGreaterThanOrEqual(125);
		}
		store.failures = { find: new Error("a mistake") };
		expect(await store.deliver(event, 7, 21)).toBeUndefined();
	});

	test("is tried alone after a failure, so that it fails no other", async () => {
		const ids = [randomUUID(), randomUUID()];
		const [failing, other] = ids.map((id) => cancelled(id)) as [object, object];
		store.failures = { find: new Error("a mistake") };
		expect(await store.deliver(failing, 7, 1)).toBeGreaterThan(0);
		store.failures = {};
		store.asked = [];
		await Promise.all([store.deliver(failing, 7, 2), store.deliver(other, 8, 1)]);
		expect(store.asked.sort()).toEqual([[ids[0]], [ids[1]]].sort());
	});
});
