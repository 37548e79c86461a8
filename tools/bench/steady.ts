import { setTimeout as wait } from "node:timers/promises";
import { SeededRandom } from "../seeded-random.ts";
import { ADDRESS, CATEGORY, PAGE_LENGTH, PAGES, PASSWORD } from "./cases.ts";
import { type ExpectedRequest, HttpClient } from "./http-client.ts";
import type { Side } from "./side.ts";

/** Requests per second. */
export const RATE = 100;
/**
 * Shares of the requests; the rest are product reads. Half of the orders are paid immediately, which is one more
 * request.
 */
const LISTS = 0.25;
const ORDERS = 0.1;
/** Share of logins. Customers log in in turn, each well before their token expires. */
const LOGINS = 0.005;
const AT_ONCE = 8;
/** Maximum backlog: after a longer outage, the missed requests are not all sent at once. */
const LATE_MS = 2000;

/** Customers that send requests at a steady rate, independent of the response times. */
export class SteadyLoad {
	#side: Pick<Side, "address" | "customers" | "products">;
	#random = new SeededRandom(1);
	#clients: HttpClient[];
	#run = Date.now().toString(36);
	#isOver = false;
	#ordered = 0;
	#loggedIn = 0;
	/** Number of responses of any kind. */
	answers = 0;

	constructor(side: Pick<Side, "address" | "customers" | "products">) {
		this.#side = side;
		this.#clients = Array.from({ length: AT_ONCE }, () => new HttpClient(side.address));
	}

	/** Sends requests until stopped. */
	async run(): Promise<void> {
		let due_ms = performance.now();
		const next = () => {
			due_ms = Math.max(due_ms + 1000 / RATE, performance.now() - LATE_MS);
			return due_ms - performance.now();
		};
		await Promise.all(
			this.#clients.map(async (client) => {
				while (!this.#isOver) {
					await wait(Math.max(0, next()));
					await this.#step(client);
				}
				client.close();
			}),
		);
	}

	stop(): void {
		this.#isOver = true;
	}

	/** Number of unexpected responses by kind. */
	get failed(): Record<string, number> {
		const failed: Record<string, number> = {};
		for (const [what, times] of this.#clients.flatMap((client) => Object.entries(client.failed))) {
			failed[what] = (failed[what] ?? 0) + times;
		}
		return failed;
	}

	async #step(client: HttpClient): Promise<void> {
		const random = this.#random.next();
		if (random < LOGINS) {
			await this.#logIn(client);
		} else if (random < LOGINS + ORDERS) {
			await this.#order(client);
		} else if (random < LOGINS + ORDERS + LISTS) {
			const skip = PAGE_LENGTH * this.#random.between(0, PAGES - 1);
			const path = `/api/v1/products?category=${CATEGORY}&limit=${PAGE_LENGTH}&skip=${skip}`;
			await this.#send(client, { what: "list", method: "GET", path, status: 200 });
		} else {
			const path = `/api/v1/products/${this.#random.pick(this.#side.products)}`;
			await this.#send(client, { what: "product", method: "GET", path, status: 200 });
		}
	}

	async #logIn(client: HttpClient): Promise<void> {
		const { customers } = this.#side;
		const customer = customers[this.#loggedIn++ % customers.length] as (typeof customers)[number];
		const body = JSON.stringify({ email: customer.email, password: PASSWORD });
		const path = "/api/v1/users/login";
		const response = await this.#send(client, { what: "login", method: "POST", path, status: 200, body });
		if (response) {
			customer.token = (JSON.parse(response.toString()) as { access_token: string }).access_token;
		}
	}

	async #order(client: HttpClient): Promise<void> {
		const { products, customers } = this.#side;
		const { token } = this.#random.pick(customers);
		const number = this.#ordered++;
		const items = [{ product_id: products[number % products.length], quantity: 1 }];
		const response = await this.#send(client, {
			...{ what: "order", method: "POST", path: "/api/v1/orders", status: 201, token },
			...{ key: `steady-${this.#run}-${number}`, body: JSON.stringify({ items, shipping_address: ADDRESS }) },
		});
		if (response && number % 2 === 0) {
			const { id } = JSON.parse(response.toString()) as { id: string };
			const path = `/api/v1/orders/${id}/pay`;
			await this.#send(client, { what: "payment", method: "POST", path, status: 200, token, body: "{}" });
		}
	}

	async #send(client: HttpClient, request: ExpectedRequest): Promise<Buffer | undefined> {
		const { body } = await client.send(request);
		this.answers++;
		return body;
	}
}
