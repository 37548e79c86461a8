import { callAction } from "../../contracts/actions.ts";
import { aboutProduct } from "../../contracts/products.ts";
import type { DocumentService } from "../../mixins/documents.ts";
import { tellOutdated } from "../../mixins/outdated.ts";
import type { ProductDocument } from "./model.ts";
import { consume, release } from "./stock.ts";

/** How often each products process looks for holds whose time is over. */
const EVERY_MS = 10_000;
/** The order's own jobs get this long to settle a hold before the sweeper asks. */
const GRACE_MS = 10_000;
const PRODUCTS_AT_ONCE = 100;

/**
 * Settles holds that outlived their time: those of attempts that died before their order was written, and those whose
 * job was lost. Orders decides about each; any number of processes may sweep at once, because release and consume
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

	/** Settles what is due; answers how many holds went. */
	async sweep(): Promise<number> {
		const due = new Date(Date.now() - GRACE_MS).toISOString();
		const store = this.#service.adapter;
		const found = await store.find({ query: { "holds.expires_at": { $lt: due } }, limit: PRODUCTS_AT_ONCE });
		const reservations = new Set(
			found.flatMap(({ holds }) =>
				holds.filter((hold) => hold.expires_at < due).map((hold) => hold.reservation_id),
			),
		);
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
