import { publishInvalidation } from "../../cache/invalidation.ts";
import { settings } from "../../config/settings.ts";
import { callAction } from "../../contracts/actions.ts";
import { aboutProduct } from "../../contracts/products.ts";
import type { DocumentService } from "../../mixins/documents.ts";
import { type Hold, type HoldPage, PRODUCT_GROUPS, type ProductDocument } from "./documents.ts";
import { sweepGroups } from "./groups.ts";
import type { HoldStore } from "./hold-pages.ts";
import { bookEarlier, foldEntries, oldEntries, openLedgers } from "./ledger.ts";
import { cleanUpPages } from "./page-cleanup.ts";
import { settle } from "./settling.ts";
import { hasEarlier, KEEPS_LEDGERS } from "./versions.ts";

/** Interval at which each products process looks for expired holds. */
const EVERY_MS = 10_000;
/** Time for the event of an expired order to settle its hold, before the sweeper asks orders. */
const GRACE_MS = 10_000;
const FOLD_EVERY_MS = 60 * 60_000;
const BATCH = 1000;
/** Time after the last sight of an earlier version's process, within which its calls in flight have ended. */
const EARLIER_DONE_MS = 60_000;
/** Age of a hold at which the sweeper asks about it. An order is written long before, unless its process has died. */
const YOUNG_MS = 40_000;
/** Overlap of the intervals of two sweeps, because clocks of processes differ. */
const OVERLAP_MS = EVERY_MS;
/** Interval between checks for missing pages. Long, because a store loses none by itself. */
const MISSING_EVERY_MS = 10 * 60_000;

/**
 * Settles expired holds. Also settles holds whose order was never written, 40 to 50 s after they were made: later if
 * orders is unavailable, and older ones at the start. Orders decides about each. Several processes may sweep at once,
 * since release and consume are guarded by the presence of the hold.
 */
export class Sweeper {
	#service: DocumentService<ProductDocument, HoldPage>;
	#store: HoldStore;
	#ready: () => Promise<void>;
	#changed: (ids: string[]) => Promise<void>;
	#timers: NodeJS.Timeout[] = [];
	#running = new Map<string, Promise<void>>();
	#hasEarlierUntil = 0;
	/** Orders was asked about all holds made before this time; none since the start. */
	#asked_up_to = Number.NEGATIVE_INFINITY;
	/** Time of the last check for missing pages. */
	#missing_checked_at = Number.NEGATIVE_INFINITY;
	/** Missing pages that have been logged. */
	#missing = new Set<string>();

	/**
	 * @param ready Rejects while sweeping is not allowed.
	 * @param changed Called with products that have left their group.
	 */
	constructor(
		service: DocumentService<ProductDocument, HoldPage>,
		ready: () => Promise<void>,
		changed: (ids: string[]) => Promise<void>,
	) {
		this.#service = service;
		this.#store = { products: service.adapter, pages: service.secondary };
		this.#ready = ready;
		this.#changed = changed;
	}

	start(): void {
		this.#timers = [
			setInterval(() => this.#run("Could not settle holds, retrying", () => this.sweep()), EVERY_MS),
			setInterval(
				() => this.#run("Could not clean up pages of holds, retrying", () => this.cleanUpPages()),
				EVERY_MS,
			),
			setInterval(
				() => this.#run("Could not fold ledgers, retrying", () => this.foldLedgers()),
				FOLD_EVERY_MS,
			),
			setInterval(
				() => this.#run("Could not record changes of earlier versions, retrying", () => this.bookEarlier()),
				EVERY_MS,
			),
			setInterval(
				() => this.#run("Could not take products out of groups, retrying", () => this.sweepGroups()),
				EVERY_MS,
			),
		];
	}

	async stop(): Promise<void> {
		for (const timer of this.#timers) {
			clearInterval(timer);
		}
		await Promise.all(this.#running.values());
	}

	/** Runs a task, unless its previous run is still in progress. After an error, the next run retries. */
	#run(failure: string, work: () => Promise<unknown>): void {
		if (this.#running.has(failure)) {
			return;
		}
		const running = this.#ready()
			.then(work)
			.then(
				() => undefined,
				(error: Error) => this.#service.logger.warn(`${failure}: ${error.message}`),
			);
		this.#running.set(failure, running);
		void running.then(() => this.#running.delete(failure));
	}

	/** Settles expired holds and those without an order. Returns the number of removed holds. */
	async sweep(now = Date.now()): Promise<number> {
		const ttl_ms = settings.orderTtlMinutes * 60_000;
		const due = toTime(now - GRACE_MS);
		const [from, to] = [this.#asked_up_to - OVERLAP_MS, now - YOUNG_MS];
		let settled = await this.#settleBetween("", due);
		settled += await this.#settleBetween(from > 0 ? toTime(from + ttl_ms) : due, toTime(to + ttl_ms));
		// If orders did not respond, the next sweep asks about the same holds.
		this.#asked_up_to = Math.max(this.#asked_up_to, to);
		return settled;
	}

	/** Folds ledger entries that no request can repeat, and deletes restocks that orders will not request again. */
	async foldLedgers(now = Date.now()): Promise<void> {
		const { adapter, broker } = this.#service;
		const query = { $or: [{ ledger: { $exists: true } }, { restocks: { $exists: true } }] };
		for await (const documents of adapter.inBatches(query)) {
			for (const document of documents) {
				const { restocks, others } = oldEntries(document, now);
				for (const order_ids of split([...restocks])) {
					const settled = await callAction(broker, "v1.orders.settledRestocks", { order_ids });
					others.push(...settled.order_ids);
				}
				for (const ids of split(others)) {
					await foldEntries(adapter, document, ids);
				}
			}
		}
	}

	/**
	 * Books units that processes of an earlier version supply without an entry, while there are any and for a minute
	 * after. Later differences are breaches, which the audit reports.
	 */
	async bookEarlier(now = Date.now()): Promise<void> {
		if (hasEarlier(this.#service, KEEPS_LEDGERS)) {
			this.#hasEarlierUntil = now + EARLIER_DONE_MS;
		}
		if (now > this.#hasEarlierUntil) {
			return;
		}
		await openLedgers(this.#service.adapter);
		for await (const documents of this.#service.adapter.inBatches({})) {
			for (const document of documents) {
				const units = await bookEarlier(this.#service.adapter, document);
				if (units !== 0) {
					this.#service.logger.info(`product ${document._id}: recorded ${units} units of an earlier version`);
				}
			}
		}
	}

	/** Cleans up the pages of processes that died, and logs lost pages. */
	async cleanUpPages(now = Date.now()): Promise<void> {
		const isMissingDue = now - this.#missing_checked_at >= MISSING_EVERY_MS;
		const { collected, missing } = await cleanUpPages(this.#store, now, isMissingDue);
		this.#missing_checked_at = isMissingDue ? now : this.#missing_checked_at;
		publishInvalidation(this.#service.broker, collected.map(aboutProduct));
		for (const { product_id, page_id } of missing) {
			if (!this.#missing.has(page_id)) {
				this.#missing.add(page_id);
				this.#service.logger.error(
					`product ${product_id} lists the page ${page_id} of its holds, which does not exist: they are lost; restore the store of products from a consistent copy`,
				);
			}
		}
	}

	/** Takes products out of groups that were removed or changed by processes that died meanwhile. */
	async sweepGroups(now = Date.now()): Promise<void> {
		const { adapter, further } = this.#service;
		await this.#changed(await sweepGroups({ products: adapter, groups: further(PRODUCT_GROUPS) }, now));
	}

	/** Settles holds that expire between these times, as orders decides. Returns the number of removed holds. */
	async #settleBetween(from: string, to: string): Promise<number> {
		let settled = 0;
		// An order of several lines has several holds.
		const reservations = new Set<string>();
		for await (const reservation_id of this.#reservations(from, to)) {
			reservations.add(reservation_id);
			if (reservations.size === BATCH) {
				settled += await this.#settle([...reservations]);
				reservations.clear();
			}
		}
		return settled + (reservations.size > 0 ? await this.#settle([...reservations]) : 0);
	}

	/** Yields the reservations whose holds expire between these times, in products and their pages. */
	async *#reservations(from: string, to: string): AsyncGenerator<string> {
		const between = { $gte: from, $lt: to };
		// For `$elemMatch`, MongoDB bounds its index on both sides, but the server for development uses no index; for the
		// second condition, it does.
		const query = { holds: { $elemMatch: { expires_at: between } }, "holds.expires_at": between };
		const fields = ["holds"] as const;
		const due = (places: { holds: Hold[] }[]) =>
			places
				.flatMap(({ holds }) => holds)
				.filter(({ expires_at }) => expires_at >= from && expires_at < to)
				.map(({ reservation_id }) => reservation_id);
		for await (const products of this.#store.products.inBatches(query, fields)) {
			yield* due(products);
		}
		// Read after the products, since a hold may move to a page and never back.
		for await (const pages of this.#store.pages.inBatches(query, fields)) {
			yield* due(pages);
		}
	}

	async #settle(reservation_ids: string[]): Promise<number> {
		const { broker } = this.#service;
		const fates = await callAction(broker, "v1.orders.settleReservations", { reservation_ids });
		const { holds, released } = await settle(
			this.#store,
			new Map(fates.flatMap(({ reservation_id, fate }) => (fate === "keep" ? [] : [[reservation_id, fate]]))),
		);
		publishInvalidation(broker, released.map(aboutProduct));
		return holds;
	}
}

function split(ids: string[]): string[][] {
	return Array.from({ length: Math.ceil(ids.length / BATCH) }, (_, batch) =>
		ids.slice(batch * BATCH, (batch + 1) * BATCH),
	);
}

function toTime(ms: number): string {
	return new Date(ms).toISOString();
}
