import { callAction } from "../../contracts/actions.ts";
import { aboutProduct } from "../../contracts/products.ts";
import type { DocumentService } from "../../mixins/documents.ts";
import { tellOutdated } from "../../mixins/outdated.ts";
import { settings } from "../../mixins/settings.ts";
import type { ProductDocument } from "./model.ts";
import { consume, release } from "./stock.ts";

/** How often each products process looks for holds whose time is over. */
const EVERY_MS = 10_000;
/** The order's own jobs get this long to settle a hold before the sweeper asks. */
const GRACE_MS = 10_000;
const PRODUCTS_AT_ONCE = 100;
/** An order is written long before its hold is this old: then the sweeper asks once, should its process have died. */
const YOUNG_MS = 40_000;

/**
 * Settles holds that outlived their time, because a job was lost, and those of attempts that died before their order was
 * written, which is looked at once after a while. Orders decides about each; any number of processes may sweep at once, because release and consume
 * are guarded by the presence of the hold.
 */
export class Sweeper {
	#service: DocumentService<ProductDocument>;
	#timer: NodeJS.Timeout | undefined;
	#sweeping = Promise.resolve();

	constructor(service: DocumentService<ProductDocument>) {
		this.#service = service;
	}

	start(): void {
		this.#timer = setInterval(() => {
			this.#sweeping = this.#sweeping
				.then(() => this.sweep())
				.then(
					() => undefined,
					(error: Error) => this.#service.logger.warn(`Holds are settled later: ${error.message}`),
				);
		}, EVERY_MS);
	}

	async stop(): Promise<void> {
		clearInterval(this.#timer);
		await this.#sweeping;
	}

	/** Settles what is due and what nobody has made an order of; answers how many holds went. */
	async sweep(): Promise<number> {
		const now = Date.now();
		const ttl_ms = settings.orderTtlMinutes * 60_000;
		// A little more than the pause between two sweeps, so that every hold is asked about.
		const [from, to] = [now + ttl_ms - YOUNG_MS - 1.5 * EVERY_MS, now + ttl_ms - YOUNG_MS];
		const reservations = new Set([
			...(await this.#reservations("", toTime(now - GRACE_MS))),
			...(await this.#reservations(toTime(from), toTime(to))),
		]);
		let settled = 0;
		for (const reservation_id of reservations) {
			const { fate } = await callAction(this.#service.broker, "v1.orders.settleReservation", {
				reservation_id,
			});
			if (fate !== "keep") {
				settled += await this.#settle(reservation_id, fate);
			}
		}
		return settled;
	}

	/** Of holds whose time is over between these moments, of some products. */
	async #reservations(from: string, to: string): Promise<string[]> {
		const query = { holds: { $elemMatch: { expires_at: { $gte: from, $lt: to } } } };
		const found = await this.#service.adapter.find({ query, limit: PRODUCTS_AT_ONCE });
		return found.flatMap(({ holds }) =>
			holds
				.filter(({ expires_at }) => expires_at >= from && expires_at < to)
				.map(({ reservation_id }) => reservation_id),
		);
	}

	async #settle(reservation_id: string, fate: "consume" | "release"): Promise<number> {
		const store = this.#service.adapter;
		if (fate === "consume") {
			return consume(store, reservation_id);
		}
		const released = await release(store, reservation_id);
		tellOutdated(this.#service.broker, released.map(aboutProduct));
		return released.length;
	}
}

function toTime(ms: number): string {
	return new Date(ms).toISOString();
}
