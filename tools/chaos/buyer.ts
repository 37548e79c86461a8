import { setTimeout as wait } from "node:timers/promises";
import { sign } from "../../services/orders/webhook.ts";
import type { SeededRandom } from "../seeded-random.ts";
import type { Client, ClientResponse, Observations } from "./client.ts";

/** Requests of a buyer under one idempotency key, and their outcome. */
export interface Attempt {
	key: string;
	/** Ids of all orders returned for this key; must never be more than one. */
	orders: Set<string>;
	/** `refused`: the last response was a refusal; `unknown`: there was no response. */
	outcome: "accepted" | "refused" | "unknown";
}

export interface Person {
	email: string;
	password: string;
}

/** Data shared by all buyers. */
export interface Market {
	products: string[];
	admin: Person;
	webhook_secret: string;
	/** Name of the run, which makes keys and addresses unique in every run. */
	name: string;
}

/** A buyer that registers, orders, pays, cancels and abandons orders repeatedly, and records every response. */
export class Buyer {
	attempts: Attempt[] = [];
	/** Units added by its deliveries; `unknown`: there was no response. */
	delivered = { accepted: 0, unknown: 0 };
	#name: string;
	#market: Market;
	#client: Client;
	#random: SeededRandom;
	#observations: Observations;
	#tokens = new Map<string, string>();
	#isOver = false;

	constructor(
		name: string,
		market: Market,
		client: Client,
		random: SeededRandom,
		observations: Observations,
	) {
		this.#name = name;
		this.#market = market;
		this.#client = client;
		this.#random = random;
		this.#observations = observations;
	}

	/** Stops starting new actions. */
	stop(): void {
		this.#isOver = true;
	}

	/** Buys until stopped. */
	async run(): Promise<void> {
		const person = { email: `${this.#name}@toko.test`, password: "rahasia-sekali" };
		await this.#client.send("POST", "/users/register", {
			body: { ...person, username: this.#name.replaceAll("-", "_"), full_name: this.#name },
		});
		while (!this.#isOver) {
			const order = await this.#order(person);
			if (order) {
				await this.#liveWith(order, person);
			}
			if (this.#random.happens(0.2)) {
				await this.#delivery();
			}
			await wait(this.#random.between(0, 300));
		}
	}

	/** Adds units to a product, so that there is always stock to compete for. */
	async #delivery(): Promise<void> {
		const path = `/products/${this.#random.pick(this.#market.products)}/stock`;
		const quantity = this.#random.between(1, 5);
		const response = await this.#as(this.#market.admin, "PUT", `${path}?quantity=${quantity}`);
		this.delivered[response ? "accepted" : "unknown"] += quantity;
		await this.#expect([200], response, path);
	}

	async #order(person: Person): Promise<string | undefined> {
		const attempt: Attempt = {
			key: `${this.#name}-${this.attempts.length}`,
			orders: new Set(),
			outcome: "unknown",
		};
		this.attempts.push(attempt);
		const items = Array.from({ length: this.#random.between(1, 3) }, () => ({
			product_id: this.#random.pick(this.#market.products),
			quantity: this.#random.between(1, 2),
		}));
		// Sometimes the client repeats the request although it got a response.
		for (let again = this.#random.happens(0.1) ? 2 : 1; again > 0; again--) {
			const response = await this.#as(
				person,
				"POST",
				"/orders",
				{ items },
				{ "idempotency-key": attempt.key },
			);
			if (response?.status === 201) {
				attempt.orders.add(response.body.id);
				attempt.outcome = "accepted";
			} else if (response) {
				attempt.outcome = "refused";
				if (response.status !== 409) {
					this.#observations.violations.push(`POST /orders ${attempt.key}: ${JSON.stringify(response)}`);
				}
			}
		}
		if (attempt.orders.size > 1 || (attempt.outcome === "refused" && attempt.orders.size > 0)) {
			this.#observations.violations.push(
				`key ${attempt.key} returned different outcomes: ${[...attempt.orders]}, then ${attempt.outcome}`,
			);
		}
		return [...attempt.orders][0];
	}

	async #liveWith(order: string, person: Person): Promise<void> {
		const path = `/orders/${order}`;
		const fate = this.#random.next();
		if (fate < 0.45) {
			await this.#expect([200, 409], await this.#as(person, "POST", `${path}/pay`), `${path}/pay`);
			await this.#afterPaying(path);
		} else if (fate < 0.65) {
			await this.#transfer(path, person);
		} else if (fate < 0.85) {
			await this.#expect([200, 409], await this.#as(person, "POST", `${path}/cancel`), `${path}/cancel`);
		} else if (fate < 0.92) {
			await Promise.all(
				["pay", "cancel"].map(async (step) =>
					this.#expect([200, 409], await this.#as(person, "POST", `${path}/${step}`), `${path}/${step}`),
				),
			);
		}
		// The other orders are left to expire.
		await this.#expect([200], await this.#as(person, "GET", path), path);
	}

	async #afterPaying(path: string): Promise<void> {
		const { admin } = this.#market;
		const steps = this.#random.pick([[], ["ship"], ["ship", "complete"], ["refund"], ["ship", "refund"]]);
		for (const step of steps) {
			const body = step === "refund" ? { restock: this.#random.happens(0.5) } : undefined;
			await this.#expect(
				[200, 409],
				await this.#as(admin, "POST", `${path}/${step}`, body),
				`${path}/${step}`,
			);
		}
	}

	async #transfer(path: string, person: Person): Promise<void> {
		const response = await this.#as(person, "POST", `${path}/pay`, { method: "transfer" });
		await this.#expect([202, 409], response, `${path}/pay`);
		const payment = response?.body.payment;
		if (response?.status !== 202 || !payment) {
			return;
		}
		await wait(this.#random.between(0, 2000));
		const { reference, amount } = payment;
		const body = JSON.stringify({ id: `evt-${reference}`, type: "payment.settled", reference, amount });
		for (let copies = this.#random.between(1, 3); copies > 0; copies--) {
			const signature = sign(this.#market.webhook_secret, body, Math.floor(Date.now() / 1000));
			const webhookResponse = await this.#client.send("POST", "/payments/webhook", {
				body,
				headers: { "toko-signature": signature },
			});
			await this.#expect([200], webhookResponse, "/payments/webhook");
		}
	}

	/** Sends a request as a user, who logs in again when the token has expired. */
	async #as(
		who: Person,
		method: string,
		path: string,
		body?: unknown,
		headers: Record<string, string> = {},
	): Promise<ClientResponse | undefined> {
		for (;;) {
			const token = this.#tokens.get(who.email) ?? (await this.#logIn(who));
			if (token === undefined) {
				return undefined;
			}
			const response = await this.#client.send(method, path, { body, token, headers });
			if (response?.status !== 401) {
				return response;
			}
			this.#tokens.delete(who.email);
		}
	}

	async #logIn({ email, password }: Person): Promise<string | undefined> {
		const response = await this.#client.send("POST", "/users/login", { body: { email, password } });
		await this.#expect([200], response, "/users/login");
		if (response?.status === 200) {
			this.#tokens.set(email, response.body.access_token);
		}
		return response?.body.access_token;
	}

	async #expect(statuses: number[], response: ClientResponse | undefined, what: string): Promise<void> {
		if (response && !statuses.includes(response.status)) {
			this.#observations.violations.push(
				`${what} returned ${response.status}: ${JSON.stringify(response.body)}`,
			);
		}
	}
}
