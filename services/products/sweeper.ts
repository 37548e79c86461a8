import { callAction } from "../../contracts/actions.ts";
import { aboutProduct } from "../../contracts/products.ts";
import type { DocumentService } from "../../mixins/documents.ts";
import { tellOutdated } from "../../mixins/outdated.ts";
import { settings } from "../../mixins/settings.ts";
import type { ProductDocument } from "./model.ts";
import { consume, forgetRestocks, oldRestocks, release } from "./stock.ts";

/** How often each products process looks for holds whose time is over. */
const EVERY_MS = 10_000;
/** The order's own jobs get this long to settle a hold before the sweeper asks. */
const GRACE_MS = 10_000;
const PRODUCTS_AT_ONCE = 100;
const FORGET_EVERY_MS = 60 * 60_000;
const RESTOCKS_AT_ONCE = 1000;
/** An order is written long before its hold is this old: then the sweeper asks once, should its process have died. */
const YOUNG_MS = 40_000;

/**
 * Settles expired holds, and once, some 40 s after they were made, holds whose order was never written. Orders decides
 * about each. Several processes may sweep at once, since release and consume are guarded by the presence of the hold.
 */
export class Sweeper {
	#service: DocumentService<ProductDocument>;
	#timers: NodeJS.Timeout[] = [];
	#running = new Map<string, Promise<void>>();

	constructor(service: DocumentService<ProductDocument>) {
		this.#service = service;
	}

	start(): void {
		this.#timers = [
			setInterval(() => this.#run("Holds are settled later", () => this.sweep()), EVERY_MS),
			setInterval(
				() => this.#run("Restocks are forgotten later", () => this.forgetRestocks()),
				FORGET_EVERY_MS,
			),
		];
	}

	async stop(): Promise<void> {
		for (const timer of this.#timers) {
			clearInterval(timer);
		}
		await Promise.all(this.#running.values());
	}

	/** Runs work unless it is still running since the time before. What fails is done the next time. */
	#run(failure: string, work: () => Promise<unknown>): void {
		if (this.#running.has(failure)) {
			return;
		}
		const running = work().then(
			() => undefined,
			(error: Error) => this.#service.logger.warn(`${failure}: ${error.message}`),
		);
		this.#running.set(failure, running);
		void running.then(() => this.#running.delete(failure));
	}

	/** Settles what is due and what nobody has made an order of; answers how many holds went. */
	async sweep(): Promise<number> {
		const now = Date.now();
		const ttl_ms = settings.orderTtlMinutes * 60_000;
		// A little more than the pause between two sweeps, so that every hold is asked about.
		const [from, to] = [now + ttl_ms - YOUNG_MS - 1.5 * EVERY_MS, now + ttl_ms - YOUNG_MS];
		const reservations = new Set<string>();
		for (const [begin, end] of [
			["", toTime(now - GRACE_MS)],
			[toTime(from), toTime(to)],
		] as const) {
			for await (const reservation_id of this.#reservations(begin, end)) {
				reservations.add(reservation_id);
			}
		}
		let settled = 0;
		let failure: unknown;
		for (const reservation_id of reservations) {
			try {
				settled += await this.#settle(reservation_id);
			} catch (error) {
				// The others go on.
				failure = error;
			}
		}
		if (failure) {
			throw failure;
		}
		return settled;
	}

	/** Forgets the restocks that orders will not ask for again. */
	async forgetRestocks(now = Date.now()): Promise<void> {
		for await (const document of this.#products({ restocks: { $exists: true } })) {
			const old = oldRestocks(document, now);
			for (let from = 0; from < old.length; from += RESTOCKS_AT_ONCE) {
				const order_ids = old.slice(from, from + RESTOCKS_AT_ONCE);
				const settled = await callAction(this.#service.broker, "v1.orders.settledRestocks", { order_ids });
				if (settled.order_ids.length > 0) {
					await forgetRestocks(this.#service.adapter, document._id, settled.order_ids);
				}
			}
		}
	}

	/** The reservations whose holds expire between these moments, of all products. */
	async *#reservations(from: string, to: string): AsyncGenerator<string> {
		const query = { holds: { $elemMatch: { expires_at: { $gte: from, $lt: to } } } };
		for await (const { holds } of this.#products(query)) {
			yield* holds
				.filter(({ expires_at }) => expires_at >= from && expires_at < to)
				.map(({ reservation_id }) => reservation_id);
		}
	}

	/** All products that match, some at a time. */
	async *#products(query: object): AsyncGenerator<ProductDocument> {
		for (let after = ""; ; ) {
			const page = { query: { ...query, _id: { $gt: after } }, sort: ["_id"], limit: PRODUCTS_AT_ONCE };
			const found = await this.#service.adapter.find(page);
			yield* found;
			if (found.length < PRODUCTS_AT_ONCE) {
				return;
			}
			after = found.at(-1)?._id as string;
		}
	}

	async #settle(reservation_id: string): Promise<number> {
		const { broker, adapter: store } = this.#service;
		const { fate } = await callAction(broker, "v1.orders.settleReservation", { reservation_id });
		if (fate === "keep") {
			return 0;
		}
		if (fate === "consume") {
			return consume(store, reservation_id);
		}
		const released = await release(store, reservation_id);
		tellOutdated(broker, released.map(aboutProduct));
		return released.length;
	}
}

function toTime(ms: number): string {
	return new Date(ms).toISOString();
}
