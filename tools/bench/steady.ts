import { setTimeout as wait } from "node:timers/promises";
import { SeededRandom } from "../seeded-random.ts";
import { type Asked, Asker } from "./asker.ts";
import { ADDRESS, CATEGORY, PAGE_LENGTH, PAGES, PASSWORD } from "./cases.ts";
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
	#chance = new SeededRandom(1);
	#askers: Asker[];
	#run = Date.now().toString(36);
	#isOver = false;
	#ordered = 0;
	#loggedIn = 0;
	/** Number of responses of any kind. */
	answers = 0;

	constructor(side: Pick<Side, "address" | "customers" | "products">) {
		this.#side = side;
		this.#askers = Array.from({ length: AT_ONCE }, () => new Asker(side.address));
	}

	/** Sends requests until stopped. */
	async run(): Promise<void> {
		let due_ms = performance.now();
		const next = () => {
			due_ms = Math.max(due_ms + 1000 / RATE, performance.now() - LATE_MS);
			return due_ms - performance.now();
		};
		await Promise.all(
			this.#askers.map(async (asker) => {
				while (!this.#isOver) {
					await wait(Math.max(0, next()));
					await this.#step(asker);
				}
				asker.close();
			}),
		);
	}

	stop(): void {
		this.#isOver = true;
	}

	/** Number of unexpected responses by kind. */
	get failed(): Record<string, number> {
		const failed: Record<string, number> = {};
		for (const [what, times] of this.#askers.flatMap((asker) => Object.entries(asker.failed))) {
			failed[what] = (failed[what] ?? 0) + times;
		}
		return failed;
	}

	async #step(asker: Asker): Promise<void> {
		const chance = this.#chance.next();
		if (chance < LOGINS) {
			await this.#logIn(asker);
		} else if (chance < LOGINS + ORDERS) {
			await this.#order(asker);
		} else if (chance < LOGINS + ORDERS + LISTS) {
			const skip = PAGE_LENGTH * this.#chance.between(0, PAGES - 1);
			const path = `/api/v1/products?category=${CATEGORY}&limit=${PAGE_LENGTH}&skip=${skip}`;
			await this.#ask(asker, { what: "list", method: "GET", path, status: 200 });
		} else {
			const path = `/api/v1/products/${this.#chance.pick(this.#side.products)}`;
			await this.#ask(asker, { what: "product", method: "GET", path, status: 200 });
		}
	}

	async #logIn(asker: Asker): Promise<void> {
		const { customers } = this.#side;
		const customer = customers[this.#loggedIn++ % customers.length] as (typeof customers)[number];
		const body = JSON.stringify({ email: customer.email, password: PASSWORD });
		const path = "/api/v1/users/login";
		const answer = await this.#ask(asker, { what: "login", method: "POST", path, status: 200, body });
		if (answer) {
			customer.token = (JSON.parse(answer.toString()) as { access_token: string }).access_token;
		}
	}

	async #order(asker: Asker): Promise<void> {
		const { products, customers } = this.#side;
		const { token } = this.#chance.pick(customers);
		const number = this.#ordered++;
		const items = [{ product_id: products[number % products.length], quantity: 1 }];
		const answer = await this.#ask(asker, {
			...{ what: "order", method: "POST", path: "/api/v1/orders", status: 201, token },
			...{ key: `steady-${this.#run}-${number}`, body: JSON.stringify({ items, shipping_address: ADDRESS }) },
		});
		if (answer && number % 2 === 0) {
			const { id } = JSON.parse(answer.toString()) as { id: string };
			const path = `/api/v1/orders/${id}/pay`;
			await this.#ask(asker, { what: "payment", method: "POST", path, status: 200, token, body: "{}" });
		}
	}

	async #ask(asker: Asker, asked: Asked): Promise<Buffer | undefined> {
		const { body } = await asker.ask(asked);
		this.answers++;
		return body;
	}
}
