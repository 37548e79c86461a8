import { setTimeout as wait } from "node:timers/promises";
import type { Pool } from "pg";
import { itemsOf, type ToOrder } from "./carts.ts";
import type { OrderingService } from "./reservations.ts";
import type { OrderBody } from "./terms.ts";

/** Longer than most orders take. After it others go on, as when the process of the attempt has died. */
const LEASE_SECONDS = 5;
const POLL_MS = 25;

/**
 * The lease of a cart that is being ordered. It keeps another attempt, such as a second click, from holding units for the same
 * cart, which other buyers would miss. It is not what gives a cart one order: the transaction of the order does.
 */
export class CartLease {
	#pool: Pool;
	#held: { id: string; until: string } | undefined;

	constructor(pool: Pool) {
		this.#pool = pool;
	}

	/**
	 * Returns the lines of an order. Those of a cart are read while no other attempt to order it has a lease, or after the time of
	 * one.
	 *
	 * @throws As `itemsOf`, such as CART_ORDERED after the other attempt.
	 */
	async itemsOf(service: OrderingService, body: OrderBody, user_id: number): Promise<ToOrder> {
		const deadline = performance.now() + LEASE_SECONDS * 1000;
		for (;;) {
			const toOrder = await itemsOf(service, body, user_id);
			const { cart } = toOrder;
			if (!cart || (await this.#take(cart)) || performance.now() > deadline) {
				return toOrder;
			}
			await wait(POLL_MS);
		}
	}

	/** Ends the lease, if there is one, when the cart was not ordered. */
	async end(): Promise<void> {
		if (this.#held) {
			const { id, until } = this.#held;
			this.#held = undefined;
			// If that fails, the lease ends by its time.
			await this.#pool
				.query("UPDATE carts SET ordering_until = NULL WHERE id = $1 AND ordering_until = $2", [id, until])
				.catch(() => undefined);
		}
	}

	async #take({ id, version }: NonNullable<ToOrder["cart"]>): Promise<boolean> {
		const { rows } = await this.#pool.query<{ until: string }>(
			`UPDATE carts SET ordering_until = clock_timestamp() + make_interval(secs => $3)
			WHERE id = $1 AND version = $2 AND status = 'open'
				AND (ordering_until IS NULL OR ordering_until < clock_timestamp())
			RETURNING ordering_until::text AS until`,
			[id, version, LEASE_SECONDS],
		);
		this.#held = rows[0] && { id, until: rows[0].until };
		return this.#held !== undefined;
	}
}
