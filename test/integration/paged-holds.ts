import { randomUUID } from "node:crypto";
import type { ServiceBroker } from "moleculer";
import type { ConsistentService } from "../../mixins/consistency.ts";
import type { DocumentService } from "../../mixins/documents.ts";
import type { HoldPage, ProductDocument } from "../../services/products/documents.ts";
import type { HoldStore } from "../../services/products/hold-pages.ts";
import { reserve } from "../../services/products/reserving.ts";
import { type Fate, settle } from "../../services/products/settling.ts";
import type { Sweeper } from "../../services/products/sweeper.ts";
import { type Audit, audit } from "../../tools/audit/audit.ts";
import type { Sources } from "../../tools/audit/snapshot.ts";
import { openSources } from "../../tools/audit/sources.ts";
import { newProduct, newUser, type Person, SERVICES, startNode } from "./shop.ts";
import { chooseStore } from "./stores.ts";

const LATER_MS = 10 * 60_000;
/** Low limits, so that a few holds suffice to move a page. */
export const FEW = { own_max: 3, own_min: 1, page_max: 2 };

export const in30Minutes = () => new Date(Date.now() + 1_800_000).toISOString();
export const later = () => Date.now() + LATER_MS;

interface Products extends DocumentService<ProductDocument, HoldPage> {
	sweeper: Sweeper;
}

/** A shop whose products have many holds. */
export class PagedHolds {
	broker!: ServiceBroker;
	buyer!: Person;
	#url: string | undefined;
	#sources!: Sources;

	/** @param url URL of the products' server; undefined for a NeDB file. */
	constructor(url: string | undefined) {
		this.#url = url;
	}

	async start(): Promise<void> {
		await this.#startNode();
		this.buyer = await newUser(this.broker);
		this.#sources = await openSources();
	}

	async restart(): Promise<void> {
		await this.broker.stop();
		await this.#startNode();
	}

	async stop(): Promise<void> {
		await this.#sources.close();
		await this.broker.stop();
		chooseStore(undefined);
	}

	async #startNode(): Promise<void> {
		chooseStore(this.#url);
		this.broker = await startNode(...SERVICES);
		// It would mend what these tests leave behind.
		await this.products.sweeper.stop();
		// These tests lose holds and sell units that no order has bought, which the services would take for a restored copy.
		for (const name of ["orders", "products"]) {
			const service = this.broker.getLocalService({ name, version: 1 }) as unknown as ConsistentService;
			await service.consistency.stop();
		}
	}

	get products(): Products {
		return this.broker.getLocalService({ name: "products", version: 1 }) as unknown as Products;
	}

	get store(): HoldStore {
		return { products: this.products.adapter, pages: this.products.secondary };
	}

	async breaches(): Promise<Audit["breaches"]> {
		return (await audit(this.#sources, 20_000, 20)).breaches;
	}

	async product(id: string): Promise<ProductDocument> {
		return (await this.store.products.findOne({ _id: id })) as ProductDocument;
	}

	/** Reserves a unit and returns the reservation. */
	async hold(product_id: string, request_id: string = randomUUID()): Promise<string> {
		const attempt = { reservation_id: randomUUID(), request_id, expires_at: in30Minutes() };
		const reserved = await reserve(this.store, attempt, [{ product_id, quantity: 1 }]);
		return reserved.reservation_id;
	}

	/** Creates a product with this number of holds of one unit each. Returns its id and the reservations. */
	async heldProduct(stock: number, holds: number): Promise<{ id: string; reservations: string[] }> {
		const { id } = await newProduct(this.broker, stock);
		const reservations: string[] = [];
		for (let made = 0; made < holds; made++) {
			reservations.push(await this.hold(id));
		}
		return { id, reservations };
	}

	settleAll(reservations: string[], fate: Fate) {
		return settle(this.store, new Map(reservations.map((reservation_id) => [reservation_id, fate])));
	}
}

/** Returns a collection that runs a function once, before the first call of a method. */
export function beforeFirst<C extends object>(
	collection: C,
	method: keyof C,
	act: () => Promise<unknown>,
): C {
	let isCalled = false;
	return new Proxy(collection, {
		get:
			(target, name) =>
			async (...given: unknown[]) => {
				if (name === method && !isCalled) {
					isCalled = true;
					await act();
				}
				return Reflect.apply(Reflect.get(target, name) as never, target, given);
			},
	});
}

/** Returns the reservations of one product as `findUnheld` takes them. */
export const reservationsOf = (id: string, reservations: string[]) =>
	reservations.map((reservation_id) => ({ reservation_id, product_ids: [id] }));
