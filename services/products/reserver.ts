import { batched } from "../../load/batching.ts";
import type { HoldStore } from "./hold-pages.ts";
import { type ReserveCall, type Reserved, reserve, reserveTogether } from "./reserving.ts";

/** The attempts at one product that are in flight or queued. */
interface Queue {
	waiting: number;
	reserve(call: ReserveCall): Promise<Reserved>;
}

/**
 * Reserves units for attempts to order as they arrive. Concurrent attempts at the same single product share updates. No
 * product waits for another one, nor for an order of several lines.
 */
export class Reserver {
	#store: () => HoldStore;
	/** Queues by product, only of products with attempts in flight. */
	#queues = new Map<string, Queue>();

	constructor(store: () => HoldStore) {
		this.#store = store;
	}

	/** Like `reserve` of reserving.ts. */
	async reserve(call: ReserveCall): Promise<Reserved> {
		const [line, ...others] = call.lines;
		if (!line || others.length > 0) {
			return reserve(this.#store(), call.attempt, call.lines);
		}
		const queue = this.#queueOf(line.product_id);
		queue.waiting++;
		try {
			return await queue.reserve(call);
		} finally {
			queue.waiting--;
			if (queue.waiting === 0) {
				this.#queues.delete(line.product_id);
			}
		}
	}

	/** Number of products with attempts in flight. */
	get products(): number {
		return this.#queues.size;
	}

	#queueOf(product_id: string): Queue {
		const known = this.#queues.get(product_id);
		if (known) {
			return known;
		}
		const queue = {
			waiting: 0,
			reserve: batched((calls: readonly ReserveCall[]) => reserveTogether(this.#store(), product_id, calls)),
		};
		this.#queues.set(product_id, queue);
		return queue;
	}
}
