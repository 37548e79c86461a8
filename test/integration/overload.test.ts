import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { ActionSchema, Context, Middleware, Service, ServiceBroker } from "moleculer";
import pg from "pg";
import { databaseUrl } from "../../config/settings.ts";
import { allActions, callAction } from "../../contracts/actions.ts";
import type { Bulkhead } from "../../contracts/contract.ts";
import { problem } from "../../contracts/problems.ts";
import { mailToken } from "../../services/users/mail-tokens.ts";
import { hashPassword } from "../../services/users/passwords.ts";
import { leastProcessorTime } from "../processor-time.ts";
import { eventually, newUser, PASSWORD, type Person, startGateway, startNodeWith } from "./shop.ts";

/** The bulkheads of the contracts, by action. */
const BULKHEADS: Record<string, Bulkhead> = Object.fromEntries(
	[...allActions()].flatMap(([name, { contract }]) => (contract.bulkhead ? [[name, contract.bulkhead]] : [])),
);

/** Blocks all calls of one action in the innermost middleware until it is opened; then they fail as client errors. */
class Gate {
	inside = 0;
	#name: string | undefined;
	#opened = Promise.resolve();
	#open: () => void = () => undefined;

	close(name: string): void {
		this.inside = 0;
		this.#name = name;
		this.#opened = new Promise((resolve) => {
			this.#open = resolve;
		});
	}

	open(): void {
		this.#open();
	}

	/** Stops blocking calls. */
	remove(): void {
		this.#name = undefined;
	}

	get middleware(): Middleware {
		const holdIfClosed = async (action: ActionSchema) => {
			if (action.name === this.#name) {
				this.inside++;
				await this.#opened;
				throw problem("PAYMENT_DECLINED");
			}
		};
		return {
			name: "Gate",
			localAction(next, action: ActionSchema) {
				return async function hold(this: Service, ctx: Context) {
					await holdIfClosed(action);
					return next.call(this, ctx);
				};
			},
		};
	}
}

const gate = new Gate();
let shop: ServiceBroker;
let gateway: ServiceBroker;
let address: string;
let person: Person;
const database = new pg.Client(databaseUrl("users"));

beforeAll(async () => {
	shop = await startNodeWith([gate.middleware], "users", "products", "orders");
	({ gateway, address } = await startGateway());
	await gateway.waitForServices([{ name: "users", version: 1 }]);
	await database.connect();
	person = await newUser(shop);
});

afterAll(async () => {
	await database.end();
	await gateway.stop();
	await shop.stop();
});

const someone = () => {
	const username = `u${randomUUID().slice(0, 8)}`;
	return { email: `${username}@toko.test`, username, password: PASSWORD, full_name: "Budi" };
};
const typeOf = ({ type }: { type: string }) => type;
const register = (params: ReturnType<typeof someone>, client?: string) =>
	callAction(shop, "v1.users.register", params, { meta: client ? { client } : {} }).then(() => "in", typeOf);

describe("of the calls that would take too much of a process", () => {
	test.each(Object.entries(BULKHEADS))(
		"%s runs so many at once, queues others, refuses the rest and continues",
		async (name, { concurrency, maxQueueSize }) => {
			const params: Record<string, () => object> = {
				"v1.users.login": () => ({ email: person.email, password: PASSWORD }),
				"v1.users.register": someone,
				"v1.users.changePassword": () => ({ current_password: PASSWORD, new_password: PASSWORD }),
				"v1.users.resetPassword": () => ({ token: "reset", new_password: PASSWORD }),
				"v1.orders.place": () => ({ items: [{ product_id: "01a20af7e8d300020f7306eb", quantity: 1 }] }),
				"v1.orders.pay": () => ({ id: randomUUID() }),
				"v1.orders.invoice": () => ({ id: randomUUID() }),
				"v1.orders.creditNote": () => ({ id: randomUUID(), note: randomUUID() }),
			};
			const call = () =>
				shop.call(name, params[name]?.(), { meta: { token: person.token }, timeout: 0 }).then(
					() => "in",
					(error: Error & { type: string }) => error.type,
				);
			expect(params).toHaveProperty([name]);
			gate.close(name);
			const most = concurrency + maxQueueSize;
			let refused = 0;
			// More calls are refused than accepted, which would open the circuit breaker if they counted.
			const calls = Array.from({ length: 2 * most + 40 }, () =>
				call().then((outcome) => {
					refused += Number(outcome === "QUEUE_FULL");
					return outcome;
				}),
			);
			await eventually("those that are too many to be refused", async () => refused === calls.length - most);
			await eventually("a full house", async () => gate.inside === concurrency);
			gate.open();
			const outcomes = await Promise.all(calls);
			expect(outcomes.filter((outcome) => outcome === "PAYMENT_DECLINED")).toHaveLength(most);
			expect(await call()).toBe("PAYMENT_DECLINED");
			gate.remove();
		},
	);

	test("those whose callers have given up are not executed any more", async () => {
		const name = "v1.orders.pay";
		const { concurrency } = BULKHEADS[name] as { concurrency: number };
		const pay = (timeout: number) =>
			shop.call(name, { id: randomUUID() }, { meta: { token: person.token }, timeout }).catch(typeOf);
		gate.close(name);
		const patient = Array.from({ length: concurrency }, () => pay(20_000));
		await eventually("a full house", async () => gate.inside === concurrency);
		expect(await Promise.all([pay(300), pay(300)])).toEqual(["REQUEST_TIMEOUT", "REQUEST_TIMEOUT"]);
		gate.open();
		expect(await Promise.all([...patient, pay(20_000)])).toEqual(
			Array.from({ length: concurrency + 1 }, () => "PAYMENT_DECLINED"),
		);
		expect(gate.inside).toBe(concurrency + 1);
		gate.remove();
	});

	test("those who have waited for most of their time are refused at once, not put at the end of the queue again", async () => {
		const name = "v1.orders.place";
		const { concurrency } = BULKHEADS[name] as { concurrency: number };
		const place = (timeout: number) => {
			const items = [{ product_id: "01a20af7e8d300020f7306eb", quantity: 1 }];
			const params = { items, idempotency_key: randomUUID() };
			return shop.call(name, params, { meta: { token: person.token }, timeout }).catch(typeOf);
		};
		gate.close(name);
		const patient = Array.from({ length: concurrency }, () => place(20_000));
		await eventually("a full house", async () => gate.inside === concurrency);
		const asked_at = performance.now();
		const late = place(12_000);
		await eventually("most of its time", async () => performance.now() - asked_at > 0.75 * 12_000);
		gate.open();
		expect(await late).toBe("QUEUE_FULL");
		await Promise.all(patient);
		expect(gate.inside).toBe(concurrency);
		gate.remove();
	});

	test("a client learns from a gateway elsewhere that it may try again", async () => {
		const { concurrency, maxQueueSize } = BULKHEADS["v1.users.register"] as Bulkhead;
		const post = () =>
			fetch(`${address}/api/v1/users/register`, {
				method: "POST",
				headers: { "content-type": "application/json" },
				body: JSON.stringify(someone()),
			});
		gate.close("v1.users.register");
		const most = concurrency + maxQueueSize;
		let answered = 0;
		const requests = Array.from({ length: 2 * most + 40 }, async () => {
			const answer = await post();
			answered++;
			return answer;
		});
		await eventually("the refusals", async () => answered === requests.length - most);
		gate.open();
		const answers = await Promise.all(requests);
		const refused = answers.filter(({ status }) => status === 503);
		// On a busy machine, some that were queued wait for too long.
		expect(refused.length).toBeGreaterThanOrEqual(requests.length - most);
		for (const answer of refused) {
			expect(Number(answer.headers.get("retry-after"))).toBeGreaterThan(0);
		}
		expect(await (refused[0] as Response).json()).toMatchObject({ code: "UNAVAILABLE" });
		gate.remove();
		expect((await post()).status).toBe(201);
	});
});

describe("registrations", () => {
	test("of an address or a name that is taken cost no hash", async () => {
		const taken = someone();
		expect(await register(taken)).toBe("in");
		const hash = await leastProcessorTime(() => hashPassword(PASSWORD));
		const { email, username } = taken;
		expect(
			await leastProcessorTime(async () => {
				expect(await register({ ...someone(), email: email.toUpperCase() })).toBe("EMAIL_TAKEN");
			}),
		).toBeLessThan(hash / 2);
		expect(
			await leastProcessorTime(async () => {
				expect(await register({ ...someone(), username: username.toUpperCase() })).toBe("USERNAME_TAKEN");
			}),
		).toBeLessThan(hash / 2);
	});

	test("are so many from one address and no more, until an hour is over", async () => {
		const taken = { ...someone(), email: person.email };
		const outcomes = new Map<string, number>();
		for (let number = 0; number < 310; number++) {
			const outcome = await register(taken, "192.0.2.77");
			outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
		}
		expect(Object.fromEntries(outcomes)).toEqual({ EMAIL_TAKEN: 300, TOO_MANY_REGISTRATIONS: 10 });
		expect(await register(someone(), "192.0.2.77")).toBe("TOO_MANY_REGISTRATIONS");
		expect(await register(someone(), "192.0.2.78")).toBe("in");
	});
});

test("a reset of the password lets its owner in, however many wrong ones there were", async () => {
	const [owner, other] = [await newUser(shop), await newUser(shop)];
	const logIn = ({ email }: Person, password: string) =>
		callAction(shop, "v1.users.login", { email, password }, { meta: { client: "192.0.2.80" } }).then(
			() => "in",
			typeOf,
		);
	for (const one of [owner, other]) {
		await Promise.all(Array.from({ length: 10 }, () => logIn(one, "wrong")));
		expect(await logIn(one, PASSWORD)).toBe("TOO_MANY_LOGINS");
	}
	const { rows } = await database.query("SELECT * FROM users WHERE id = $1", [owner.id]);
	const token = mailToken("reset", rows[0]);
	await callAction(shop, "v1.users.resetPassword", { token, new_password: "rahasia-baru" });
	expect(await logIn(owner, "rahasia-baru")).toBe("in");
	expect(await logIn(other, PASSWORD)).toBe("TOO_MANY_LOGINS");
	const { rows: left } = await database.query(
		"SELECT key, points FROM login_attempts WHERE key ~ '^account:'",
	);
	// The attacker's ten points remain; the owner's are deleted for all addresses.
	expect(left.map(({ points }) => points).filter((points) => points >= 10)).toHaveLength(1);
});
