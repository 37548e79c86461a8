import { setTimeout as wait } from "node:timers/promises";
import { sign } from "../../services/orders/webhook.ts";
import type { SeededRandom } from "../seeded-random.ts";
import type { Client, ClientResponse, Observations } from "./client.ts";
import type { Offers } from "./offers.ts";

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
export interface Shop extends Offers {
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
	#shop: Shop;
	#client: Client;
	#random: SeededRandom;
	#observations: Observations;
	#tokens = new Map<string, string>();
	#isOver = false;

	constructor(name: string, shop: Shop, client: Client, random: SeededRandom, observations: Observations) {
		this.#name = name;
		this.#shop = shop;
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
				await this.#settle(order, person);
			}
			if (this.#random.happens(0.2)) {
				await this.#delivery();
			}
			if (this.#random.happens(0.1)) {
				await this.#priceChange();
			}
			await wait(this.#random.between(0, 300));
		}
	}

	/** Adds units to a product, so that there is always stock to compete for. */
	async #delivery(): Promise<void> {
		const path = `/products/${this.#random.pick(this.#shop.products)}/stock`;
		const quantity = this.#random.between(1, 5);
		const response = await this.#as(this.#shop.admin, "PUT", `${path}?quantity=${quantity}`);
		this.delivered[response ? "accepted" : "unknown"] += quantity;
		await this.#expect([200], response, path);
	}

	/** Changes a price, of which the carts and the quotes of others hear only when they order. */
	async #priceChange(): Promise<void> {
		const path = `/products/${this.#random.pick(this.#shop.products)}`;
		const price = this.#random.between(1, 12_000);
		await this.#expect([200], await this.#as(this.#shop.admin, "PATCH", path, { price }), path);
	}

	/** Orders a few products or a cart. Returns the id of the order, if there is one. */
	async #order(person: Person): Promise<string | undefined> {
		if (this.#random.happens(0.3)) {
			return this.#orderCart(person);
		}
		return this.#place(person, await this.#withTotal({ items: this.#items(), ...this.#terms() }));
	}

	#items(): { product_id: string; quantity: number }[] {
		return Array.from({ length: this.#random.between(1, 3) }, () => ({
			product_id: this.#random.pick(this.#shop.products),
			quantity: this.#random.between(1, 2),
		}));
	}

	/** Returns a voucher, a method of shipping and an address, or some of them. */
	#terms(): object {
		const { shipping, voucher_codes } = this.#shop;
		return {
			...(this.#random.happens(0.5) ? shipping : {}),
			...(this.#random.happens(0.5) ? { voucher_code: this.#random.pick(voucher_codes) } : {}),
		};
	}

	/** Sometimes adds the total of a quote to an order: its price may change before it is placed. */
	async #withTotal(body: object): Promise<object> {
		if (!this.#random.happens(0.3)) {
			return body;
		}
		const quote = await this.#client.send("POST", "/orders/quote", { body });
		await this.#expect([200], quote, "/orders/quote");
		return { ...body, expected_total: quote?.body.total };
	}

	/** Fills a cart, perhaps as a guest, and orders it, sometimes twice at the same moment. */
	async #orderCart(person: Person): Promise<string | undefined> {
		const cart = await this.#filledCart(person);
		if (cart === undefined) {
			return undefined;
		}
		const body = { cart_id: cart, ...this.#terms() };
		const orders = await Promise.all(
			Array.from({ length: this.#random.happens(0.5) ? 2 : 1 }, () => this.#place(person, body)),
		);
		const placed = orders.filter((order) => order !== undefined);
		if (placed.length > 1) {
			this.#observations.violations.push(`cart ${cart} became the orders ${placed}`);
		}
		return placed[0];
	}

	/** Returns the id of the buyer's cart, with at least one item. */
	async #filledCart(person: Person): Promise<string | undefined> {
		const cart = await this.#as(person, "POST", "/carts");
		await this.#expect([200, 201], cart, "/carts");
		if (!cart) {
			return undefined;
		}
		const { id } = cart.body;
		for (const { product_id, quantity } of this.#items()) {
			const path = `/carts/${id}/items/${product_id}`;
			await this.#expect([200], await this.#as(person, "PUT", path, { quantity }), path);
		}
		if (this.#random.happens(0.3)) {
			await this.#mergeGuest(person, id);
		}
		return id;
	}

	/** Merges the cart of a guest into the buyer's, twice at the same moment: its units have to be added once. */
	async #mergeGuest(person: Person, cart: string): Promise<void> {
		const guest = await this.#client.send("POST", "/carts");
		await this.#expect([201], guest, "/carts");
		if (!guest) {
			return;
		}
		const product = this.#random.pick(this.#shop.products);
		const headers = { "cart-token": guest.body.token };
		const path = `/carts/${guest.body.id}/items/${product}`;
		const put = await this.#client.send("PUT", path, { body: { quantity: 1 }, headers });
		await this.#expect([200], put, path);
		const before = await this.#as(person, "GET", `/carts/${cart}`);
		const merge = `/carts/${guest.body.id}/merge`;
		const merged = await Promise.all([1, 2].map(() => this.#as(person, "POST", merge, undefined, headers)));
		for (const response of merged) {
			await this.#expect([200], response, merge);
			const [had, has] = [before, response].map((each) => quantityIn(each, product));
			if (had !== undefined && has !== undefined && has !== had + 1) {
				this.#observations.violations.push(`cart ${cart} had ${had} units, and ${has} with one more`);
			}
		}
	}

	/** Sends an order under a new key and records its outcome. Returns its id, if it was placed. */
	async #place(person: Person, body: object): Promise<string | undefined> {
		const attempt: Attempt = {
			key: `${this.#name}-${this.attempts.length}`,
			orders: new Set(),
			outcome: "unknown",
		};
		this.attempts.push(attempt);
		// Sometimes the client repeats the request although it got a response.
		for (let again = this.#random.happens(0.1) ? 2 : 1; again > 0; again--) {
			const response = await this.#as(person, "POST", "/orders", body, { "idempotency-key": attempt.key });
			if (response?.status === 201) {
				attempt.orders.add(response.body.id);
				attempt.outcome = "accepted";
			} else if (response) {
				attempt.outcome = "refused";
				// Such as a voucher for shipping, of an order that is not shipped.
				if (response.status !== 409 && response.body.code !== "VOUCHER_NOT_APPLICABLE") {
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

	async #settle(order: string, person: Person): Promise<void> {
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
		const { admin } = this.#shop;
		const steps = this.#random.pick([
			...[[], ["ship"], ["ship", "complete"], ["refund"], ["ship", "refund"]],
			...[["part"], ["part", "refund"], ["ship", "part", "part"]],
		]);
		for (const step of steps) {
			if (step === "part") {
				await this.#refundPart(path);
				continue;
			}
			const body = step === "refund" ? { restock: this.#random.happens(0.5) } : undefined;
			await this.#expect(
				[200, 409],
				await this.#as(admin, "POST", `${path}/${step}`, body),
				`${path}/${step}`,
			);
		}
	}

	/** Refunds a unit of the first line, sometimes twice at the same moment. */
	async #refundPart(order: string): Promise<void> {
		const path = `${order}/refunds`;
		const body = { items: [{ line: 1, quantity: 1 }], restock: this.#random.happens(0.5) };
		const times = this.#random.happens(0.5) ? 2 : 1;
		await Promise.all(
			Array.from({ length: times }, async () =>
				this.#expect([201, 409], await this.#as(this.#shop.admin, "POST", path, body), path),
			),
		);
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
			const signature = sign(this.#shop.webhook_secret, body, Math.floor(Date.now() / 1000));
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

/** Returns the number of units of a product in the cart of a response. */
function quantityIn(response: ClientResponse | undefined, product: string): number | undefined {
	if (response?.status !== 200) {
		return undefined;
	}
	const items: { product_id: string; quantity: number }[] = response.body.items;
	return items.find(({ product_id }) => product_id === product)?.quantity ?? 0;
}
