import { callAction } from "../../contracts/actions.ts";
import { aboutProduct } from "../../contracts/products.ts";
import type { DocumentService } from "../../mixins/documents.ts";
import { tellOutdated } from "../../mixins/outdated.ts";
import { settings } from "../../mixins/settings.ts";
import { bookEarlier, foldEntries, oldEntries, openLedgers } from "./ledger.ts";
import type { ProductDocument } from "./model.ts";
import { settle } from "./stock.ts";

/** How often each products process looks for holds whose time is over. */
const EVERY_MS = 10_000;
/** The order's own jobs get this long to settle a hold before the sweeper asks. */
const GRACE_MS = 10_000;
const PRODUCTS_AT_ONCE = 100;
/** In a service's metadata: it notes each change of `supplied` in the product's ledger. */
export const KEEPS_LEDGERS = "keeps_ledgers";
const FOLD_EVERY_MS = 60 * 60_000;
const ENTRIES_AT_ONCE = 1000;
/** After the last process of an earlier version was seen, what it was doing is done for certain after this. */
const EARLIER_DONE_MS = 60_000;
/** An order is written long before its hold is this old: then the sweeper asks once, should its process have died. */
const YOUNG_MS = 40_000;

/**
 * Settles expired holds, and once, some 40 s after they were made, holds whose order was never written. Orders decides
 * about each. Several processes may sweep at once, since release and consume are guarded by the presence of the hold.
 */
export class Sweeper {
	#service: DocumentService<ProductDocument>;
	#ready: () => Promise<void>;
	#timers: NodeJS.Timeout[] = [];
	#running = new Map<string, Promise<void>>();
	#hasEarlierUntil = 0;

	/** @param ready Throws while nothing may be swept. */
	constructor(service: DocumentService<ProductDocument>, ready: () => Promise<void>) {
		this.#service = service;
		this.#ready = ready;
	}

	start(): void {
		this.#timers = [
			setInterval(() => this.#run("Holds are settled later", () => this.sweep()), EVERY_MS),
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
		for (const reservation_ids of inBatches([...reservations])) {
			settled += await this.#settle(reservation_ids);
		}
		return settled;
	}

	/** Folds entries of the ledgers that nothing can repeat, and forgets restocks that orders will not ask for again. */
	async foldLedgers(now = Date.now()): Promise<void> {
		const { adapter, broker } = this.#service;
		const query = { $or: [{ ledger: { $exists: true } }, { restocks: { $exists: true } }] };
		for await (const document of this.#products(query)) {
			const { restocks, others } = oldEntries(document, now);
			for (const order_ids of inBatches([...restocks])) {
				const settled = await callAction(broker, "v1.orders.settledRestocks", { order_ids });
				others.push(...settled.order_ids);
			}
			for (const ids of inBatches(others)) {
				await foldEntries(adapter, document, ids);
			}
		}
	}

	/**
	 * While a process of an earlier version is there too, and for a minute after, books what it supplies without an entry.
	 * From then on a difference is a breach, which is for the audit to tell.
	 */
	async bookEarlier(now = Date.now()): Promise<void> {
		if (this.#hasEarlierVersion()) {
			this.#hasEarlierUntil = now + EARLIER_DONE_MS;
		}
		if (now > this.#hasEarlierUntil) {
			return;
		}
		await openLedgers(this.#service.adapter);
		for await (const document of this.#products({})) {
			const units = await bookEarlier(this.#service.adapter, document);
			if (units !== 0) {
				this.#service.logger.info(`product ${document._id}: ${units} units of an earlier version are booked`);
			}
		}
	}

	#hasEarlierVersion(): boolean {
		const { name, version, broker } = this.#service;
		return broker.registry
			.getServiceList({ onlyAvailable: true })
			.some(
				(other: { name: string; version: unknown; metadata?: Record<string, unknown> }) =>
					other.name === name && other.version === version && !other.metadata?.[KEEPS_LEDGERS],
			);
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

	async #settle(reservation_ids: string[]): Promise<number> {
		const { broker, adapter: store } = this.#service;
		const fates = await callAction(broker, "v1.orders.settleReservations", { reservation_ids });
		const { holds, released } = await settle(
			store,
			new Map(fates.flatMap(({ reservation_id, fate }) => (fate === "keep" ? [] : [[reservation_id, fate]]))),
		);
		tellOutdated(broker, released.map(aboutProduct));
		return holds;
	}
}

function inBatches(ids: string[]): string[][] {
	return Array.from({ length: Math.ceil(ids.length / ENTRIES_AT_ONCE) }, (_, batch) =>
		ids.slice(batch * ENTRIES_AT_ONCE, (batch + 1) * ENTRIES_AT_ONCE),
	);
}

function toTime(ms: number): string {
	return new Date(ms).toISOString();
}
