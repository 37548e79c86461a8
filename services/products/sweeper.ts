import { publishInvalidation } from "../../cache/invalidation.ts";
import { settings } from "../../config/settings.ts";
import { callAction } from "../../contracts/actions.ts";
import { aboutProduct } from "../../contracts/products.ts";
import type { DocumentService } from "../../mixins/documents.ts";
import type { Hold, HoldPage, ProductDocument } from "./documents.ts";
import type { HoldStore } from "./hold-pages.ts";
import { bookEarlier, foldEntries, oldEntries, openLedgers } from "./ledger.ts";
import { tidyPages } from "./page-cleanup.ts";
import { settle } from "./settling.ts";
import { hasEarlier, KEEPS_LEDGERS } from "./versions.ts";

/** How often each products process looks for holds whose time is over. */
const EVERY_MS = 10_000;
/** The event of an order that has expired gets this long to settle its hold before the sweeper asks. */
const GRACE_MS = 10_000;
const FOLD_EVERY_MS = 60 * 60_000;
const ENTRIES_AT_ONCE = 1000;
/** After the last process of an earlier version was seen, what it was doing is done for certain after this. */
const EARLIER_DONE_MS = 60_000;
/** An order is written long before its hold is this old: then the sweeper asks, should its process have died. */
const YOUNG_MS = 40_000;
/** Holds that were made so long before the last sweep's end are asked about again: clocks of processes differ. */
const OVERLAP_MS = EVERY_MS;
/** Pages that are listed and not there are looked for this seldom: a store loses none by itself. */
const MISSING_EVERY_MS = 10 * 60_000;

/**
 * Settles expired holds, and 40 to 50 s after they were made holds whose order was never written: later where orders is
 * away, and at the start all that are older. Orders decides about each. Several processes may sweep at once, since release
 * and consume are guarded by the presence of the hold.
 */
export class Sweeper {
	#service: DocumentService<ProductDocument, HoldPage>;
	#store: HoldStore;
	#ready: () => Promise<void>;
	#timers: NodeJS.Timeout[] = [];
	#running = new Map<string, Promise<void>>();
	#hasEarlierUntil = 0;
	/** Orders was asked about all holds that were made before this; none yet since the start. */
	#asked_up_to = Number.NEGATIVE_INFINITY;
	/** When pages were last looked for that are not there. */
	#looked_at = Number.NEGATIVE_INFINITY;
	/** Pages that were told of. */
	#missing = new Set<string>();

	/** @param ready Throws while nothing may be swept. */
	constructor(service: DocumentService<ProductDocument, HoldPage>, ready: () => Promise<void>) {
		this.#service = service;
		this.#store = { products: service.adapter, pages: service.beside };
		this.#ready = ready;
	}

	start(): void {
		this.#timers = [
			setInterval(() => this.#run("Holds are settled later", () => this.sweep()), EVERY_MS),
			setInterval(() => this.#run("Pages of holds are tidied later", () => this.tidyPages()), EVERY_MS),
			setInterval(() => this.#run("Ledgers are folded later", () => this.foldLedgers()), FOLD_EVERY_MS),
			setInterval(
				() => this.#run("What earlier versions did is booked later", () => this.bookEarlier()),
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

	/** Runs work unless it is still running since the time before. What fails is done the next time. */
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

	/** Settles what is due and what nobody has made an order of; answers how many holds went. */
	async sweep(): Promise<number> {
		const now = Date.now();
		const ttl_ms = settings.orderTtlMinutes * 60_000;
		const due = toTime(now - GRACE_MS);
		const [from, to] = [this.#asked_up_to - OVERLAP_MS, now - YOUNG_MS];
		let settled = await this.#settleBetween("", due);
		settled += await this.#settleBetween(from > 0 ? toTime(from + ttl_ms) : due, toTime(to + ttl_ms));
		// Where orders did not answer, the next sweep asks about the same ones.
		this.#asked_up_to = Math.max(this.#asked_up_to, to);
		return settled;
	}

	/** Folds entries of the ledgers that nothing can repeat, and forgets restocks that orders will not ask for again. */
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
	 * While a process of an earlier version is there too, and for a minute after, books what it supplies without an entry.
	 * From then on a difference is a breach, which is for the audit to tell.
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
					this.#service.logger.info(
						`product ${document._id}: ${units} units of an earlier version are booked`,
					);
				}
			}
		}
	}

	/** Ends what processes that died have left of pages of holds, and tells of pages that are lost. */
	async tidyPages(now = Date.now()): Promise<void> {
		const isMissingDue = now - this.#looked_at >= MISSING_EVERY_MS;
		const { collected, missing } = await tidyPages(this.#store, now, isMissingDue);
		this.#looked_at = isMissingDue ? now : this.#looked_at;
		publishInvalidation(this.#service.broker, collected.map(aboutProduct));
		for (const { product_id, page_id } of missing) {
			if (!this.#missing.has(page_id)) {
				this.#missing.add(page_id);
				this.#service.logger.error(
					`product ${product_id} lists the page ${page_id} of its holds, which is not there: they are lost; restore the store of products from a copy that was made at one moment`,
				);
			}
		}
	}

	/** Settles holds that expire between these moments, as orders says; answers how many went. */
	async #settleBetween(from: string, to: string): Promise<number> {
		let settled = 0;
		// Of an order of several lines there are several holds.
		const reservations = new Set<string>();
		for await (const reservation_id of this.#reservations(from, to)) {
			reservations.add(reservation_id);
			if (reservations.size === ENTRIES_AT_ONCE) {
				settled += await this.#settle([...reservations]);
				reservations.clear();
			}
		}
		return settled + (reservations.size > 0 ? await this.#settle([...reservations]) : 0);
	}

	/** The reservations whose holds expire between these moments, of all products and their pages. */
	async *#reservations(from: string, to: string): AsyncGenerator<string> {
		const between = { $gte: from, $lt: to };
		// MongoDB bounds its index on both sides by the first; the server for development uses none for it, and by the second.
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
		// Afterwards, since a hold may move to a page and never back.
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
	return Array.from({ length: Math.ceil(ids.length / ENTRIES_AT_ONCE) }, (_, batch) =>
		ids.slice(batch * ENTRIES_AT_ONCE, (batch + 1) * ENTRIES_AT_ONCE),
	);
}

function toTime(ms: number): string {
	return new Date(ms).toISOString();
}
