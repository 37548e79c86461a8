import { randomUUID } from "node:crypto";
import type { z } from "zod";
import { actorOf } from "../../broker/caller.ts";
import { service } from "../../broker/schema.ts";
import { flushInvalidations, publishInvalidation } from "../../cache/invalidation.ts";
import { callAction, implement } from "../../contracts/actions.ts";
import { problemCode } from "../../contracts/problem-codes.ts";
import { problem } from "../../contracts/problems.ts";
import type { catalogueOutcome } from "../../contracts/product-schemas.ts";
import { aboutProduct, DESCRIBES_LINES, products } from "../../contracts/products.ts";
import { unheldOrder } from "../../events/unheld-orders.ts";
import { type ConsistentService, consistentWithOthers, withAction } from "../../mixins/consistency.ts";
import { type DocumentService, documents, isDuplicate } from "../../mixins/documents.ts";
import { importLines, previewLines } from "./catalogue.ts";
import { type GroupDocument, type HoldPage, PRODUCT_GROUPS, type ProductDocument } from "./documents.ts";
import { createGroup, groupRows, presentGroup, removeGroup, staysInGroup, updateGroup } from "./groups.ts";
import { type HoldStore, heldOf } from "./hold-pages.ts";
import { HoldMover, SIZES } from "./hold-paging.ts";
import { bookRepair, openLedgers } from "./ledger.ts";
import { type Listing, listProducts } from "./listing.ts";
import { MemoryListing } from "./memory-listing.ts";
import { newDocument, ON_SALE, PRESENTED, present, presentLedger, presentStock, updateOf } from "./model.ts";
import { MongoListing } from "./mongo-listing.ts";
import { orderEvents } from "./order-events.ts";
import { Reserver } from "./reserver.ts";
import { presentLine, type ReserveCall, type Reserved } from "./reserving.ts";
import { findUnheld, holdAgain, newestSales, takeSold } from "./restoring.ts";
import { convertProducts } from "./search.ts";
import { settle } from "./settling.ts";
import { changeStock, refuseStale, restock, type StockChange } from "./stock.ts";
import { EVENTS_UP_TO, positionConsistent } from "./stream-position.ts";
import { Sweeper } from "./sweeper.ts";
import { findGroup, type GroupStore, variantAfter, writeVariant } from "./variants.ts";
import { hasEarlier, KEEPS_LEDGERS, KEEPS_PAGES } from "./versions.ts";

interface ProductsService extends DocumentService<ProductDocument, HoldPage>, ConsistentService {
	/** The two collections that contain holds. */
	holds: HoldStore;
	groups: GroupStore;
	sweeper: Sweeper;
	mover: HoldMover;
	listing: Listing;
	/** @throws EVENTS_NOT_TAKEN_IN */
	checkOrderEvents(): void;
	/** Reserves units for an attempt to order, in one update with concurrent attempts at the same product. */
	reserve(call: ReserveCall): Promise<Reserved>;
	/** Makes products with many holds move the oldest of them to a page, in the background. */
	moveHolds(reserved: Reserved): void;
	/** Invalidates cached responses about these products on all nodes. */
	invalidate(ids: string[]): void;
	/** Updates the listing, and invalidates cached responses on all nodes before the caller gets the response. */
	changed(ids: string[]): Promise<void>;
	find(id: string): Promise<ProductDocument>;
	/**
	 * Inserts a product. With a key, returns the product that an earlier attempt of the same request has inserted.
	 *
	 * @throws VARIANT_EXISTS
	 */
	insertOnce(document: ProductDocument, key_id: string | undefined): Promise<ProductDocument>;
}

/** Checks that every pending order has its holds. If not, orders or products was restored from an older copy. */
const holdsConsistent = withAction<ProductsService>("v1.orders.pending", function () {
	return unheldOrder(
		(among) => callAction(this.broker, "v1.orders.pending", among ? { among } : {}),
		(reservations) => findUnheld(this.holds, reservations),
	);
});

/** Maximum number of products shown to the operator. */
const STOCK_ROWS = 20;

export default service<ProductsService>({
	name: products.name,
	version: products.version,
	metadata: { [KEEPS_LEDGERS]: true, [KEEPS_PAGES]: true },
	mixins: [
		orderEvents(),
		consistentWithOthers<ProductsService>(
			["newestSales", "unheld", "holdAgain", "takeSold", "acceptEvents"],
			[positionConsistent, holdsConsistent],
		),
		documents(
			"products",
			[
				{ field: "sku", unique: true },
				{ field: "group_id" },
				{ field: "variant_key", unique: true, sparse: true },
				{ field: "updated_at", onServer: true },
				{ field: "holds.reservation_id" },
				{ field: "holds.expires_at", onServer: true },
				{ field: "filling.since", onServer: true },
				{ field: "moves", onServer: true },
				{ field: "last_sold.at", onServer: true },
			],
			{
				name: "hold_pages",
				indexes: [
					{ field: "holds.reservation_id" },
					{ field: "holds.request_id" },
					{ field: "holds.expires_at", onServer: true },
					{ field: "last_sold.at", onServer: true },
				],
			},
			{
				name: PRODUCT_GROUPS,
				indexes: [
					{ field: "made_by", unique: true, sparse: true },
					{ field: "key", unique: true, sparse: true },
					{ field: "name" },
					{ field: "leaving_since" },
				],
			},
		),
	],

	actions: implement<ProductsService>()(products, {
		list(ctx) {
			return listProducts(this.listing, ctx.params);
		},

		categories() {
			return this.listing.categories();
		},

		async get(ctx) {
			const query = { _id: ctx.params.id, ...ON_SALE };
			const [document] = await this.adapter.find({ query, fields: PRESENTED });
			if (!document) {
				throw problem("PRODUCT_NOT_FOUND");
			}
			return present(document);
		},

		async getMany(ctx) {
			const query = { _id: { $in: ctx.params.ids }, ...ON_SALE };
			return (await this.adapter.find({ query, fields: PRESENTED })).map((document) => present(document));
		},

		async create(ctx) {
			const { key_id } = ctx.locals;
			const sku = key_id && `key:${key_id}`;
			// Before the group is read, which may have changed since an earlier attempt of the same request.
			const made = sku ? await this.adapter.findOne({ sku }) : null;
			const make = async () =>
				newDocument(ctx.params, sku, null, await variantAfter(this.groups, ctx.params));
			const document = made ?? (await this.insertOnce(await make(), key_id));
			const isInGroup = await staysInGroup(this.groups, document);
			await this.listing.changed([document._id]);
			return present(isInGroup ? document : { ...document, group_id: null });
		},

		async update(ctx) {
			const { id } = ctx.params;
			for (;;) {
				const document = await this.find(id);
				const variant = await variantAfter(this.groups, ctx.params, document);
				const { query, update } = updateOf(document, ctx.params, variant);
				const changed = await writeVariant(this.adapter, variant?.variant_key, () =>
					this.adapter.updateMany(query, update),
				);
				if (changed === 1) {
					await staysInGroup(this.groups, { _id: id, ...variant });
					this.invalidate([id]);
					await this.listing.changed([id]);
					return present(await this.find(id));
				}
			}
		},

		async remove(ctx) {
			const { id } = ctx.params;
			const removed_by = ctx.locals.key_id ?? null;
			const removed_at = new Date().toISOString();
			const changed = await this.adapter.updateMany(
				{ _id: id, ...ON_SALE },
				{ $set: { removed_at, removed_by, updated_at: removed_at } },
			);
			const isRepeated =
				removed_by !== null && (await this.adapter.findOne({ _id: id, removed_by })) !== null;
			if (changed === 0 && !isRepeated) {
				throw problem("PRODUCT_NOT_FOUND");
			}
			this.invalidate([id]);
			await this.listing.changed([id]);
			return null;
		},

		async createGroup(ctx) {
			return presentGroup(this.groups, await createGroup(this.groups.groups, ctx.params, ctx.locals.key_id));
		},

		async getGroup(ctx) {
			return presentGroup(this.groups, await findGroup(this.groups.groups, ctx.params.id));
		},

		async updateGroup(ctx) {
			const { id, ...changes } = ctx.params;
			await this.changed(await updateGroup(this.groups, id, changes));
			return presentGroup(this.groups, await findGroup(this.groups.groups, id));
		},

		async removeGroup(ctx) {
			await this.changed(await removeGroup(this.groups, ctx.params.id, ctx.locals.key_id));
			return null;
		},

		groups(ctx) {
			return groupRows(this.groups, ctx.params.group);
		},

		async changeStock(ctx) {
			const { id, ...change } = ctx.params;
			const entry_id = ctx.locals.key_id ?? randomUUID();
			const stock = await changeStock(this.holds, id, change as StockChange, entry_id, actorOf(ctx));
			this.invalidate([id]);
			return { message: "Stok berhasil diupdate", stock };
		},

		async stock(ctx) {
			const { product } = ctx.params;
			const name = new RegExp(product.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"), "i");
			const query = { ...ON_SALE, $or: [{ _id: product }, { sku: product }, { name }] };
			const found = await this.adapter.find({ query, sort: ["name"], limit: STOCK_ROWS });
			const held = await Promise.all(found.map((document) => heldOf(this.holds, document)));
			return held.map((one) => presentStock(one.document, one));
		},

		async ledger(ctx) {
			const { product } = ctx.params;
			const [document] = await this.adapter.find({ query: { $or: [{ _id: product }, { sku: product }] } });
			if (!document) {
				throw problem("PRODUCT_NOT_FOUND");
			}
			return presentLedger(document);
		},

		async bookRepair(ctx) {
			const document = await this.adapter.findOne({ _id: ctx.params.id });
			if (!document) {
				throw problem("PRODUCT_NOT_FOUND");
			}
			return { quantity: await bookRepair(this.adapter, document, "shop") };
		},

		import(ctx): Promise<z.input<typeof catalogueOutcome>[]> {
			return importLines(this.groups, (ids) => this.changed(ids), ctx.params.file, ctx.params.lines);
		},

		previewImport(ctx) {
			return previewLines(this.groups, ctx.params.lines);
		},

		async count() {
			return { products: await this.adapter.count({ query: {} }) };
		},

		async reserve(ctx) {
			const { lines, ...attempt } = ctx.params;
			const reserved = await this.reserve({ attempt, lines }).catch((error) => {
				// A refusal of one line has changed nothing; of several lines, some may have been held for a moment.
				if (lines.length > 1 || problemCode(error) === undefined) {
					this.invalidate(lines.map(({ product_id }) => product_id));
				}
				throw error;
			});
			this.invalidate(reserved.lines.map(({ product_id }) => product_id));
			this.moveHolds(reserved);
			return {
				reservation_id: reserved.reservation_id,
				expires_at: reserved.expires_at,
				lines: reserved.lines.map((line) => presentLine(line, ctx.headers?.[DESCRIBES_LINES] === true)),
			};
		},

		async consume(ctx) {
			const { holds } = await settle(this.holds, new Map([[ctx.params.reservation_id, "consume"]]));
			return { lines: holds };
		},

		async newestSales() {
			return { reservation_ids: await newestSales(this.holds) };
		},

		async unheld(ctx) {
			return { reservation_ids: await findUnheld(this.holds, ctx.params.reservations) };
		},

		async holdAgain(ctx) {
			const { reservation_id, expires_at, lines } = ctx.params;
			const isHeld = await holdAgain(this.holds, { reservation_id, expires_at }, lines);
			this.invalidate(lines.map(({ product_id }) => product_id));
			return { is_held: isHeld };
		},

		async takeSold(ctx) {
			const isTaken = await takeSold(this.adapter, ctx.params);
			this.invalidate([ctx.params.product_id]);
			return { is_taken: isTaken };
		},

		async acceptEvents(ctx) {
			await this.storeMetadata.raise(EVENTS_UP_TO, ctx.params.up_to);
			return null;
		},

		async release(ctx) {
			const { holds, released } = await settle(this.holds, new Map([[ctx.params.reservation_id, "release"]]));
			this.invalidate(released);
			return { lines: holds };
		},

		async restock(ctx) {
			const { order_id, lines, asked_at } = ctx.params;
			refuseStale(asked_at);
			const restocked = await restock(this.adapter, order_id, lines);
			this.invalidate(restocked);
			return { lines: restocked.length };
		},

		async health() {
			await this.ping();
			this.checkOrderEvents();
			return { status: "healthy", service: "product-service" };
		},
	}),

	created() {
		const reserver = new Reserver(() => this.holds);
		this.reserve = (call) => reserver.reserve(call);
	},

	async started() {
		this.holds = { products: this.adapter, pages: this.secondary };
		this.groups = { products: this.adapter, groups: this.further<GroupDocument>(PRODUCT_GROUPS) };
		this.mover = new HoldMover(this.holds, (line) => this.logger.warn(line));
		await openLedgers(this.adapter);
		await convertProducts(this.adapter, (line) => this.logger.warn(line));
		const isMongo = this.collection && (await this.isMongoDb());
		this.listing = isMongo
			? new MongoListing(this.collection as NonNullable<typeof this.collection>)
			: new MemoryListing(this.adapter, this.collection !== undefined);
		await this.listing.start();
		this.sweeper = new Sweeper(
			this,
			() => this.consistency.ready(),
			(ids) => this.changed(ids),
		);
		this.sweeper.start();
	},

	async stopped() {
		this.listing?.stop();
		await Promise.all([this.sweeper?.stop(), this.mover?.stop()]);
	},

	methods: {
		moveHolds(this: ProductsService, { lines }: Reserved) {
			for (const { product_id, document } of lines) {
				// A process of an earlier version would not find holds in pages.
				if (document.holds.length >= SIZES.own_max && !hasEarlier(this, KEEPS_PAGES)) {
					this.mover.start(product_id);
				}
			}
		},

		invalidate(this: ProductsService, ids: string[]) {
			publishInvalidation(this.broker, ids.map(aboutProduct));
		},

		async find(this: ProductsService, id: string) {
			const document = await this.adapter.findOne({ _id: id, ...ON_SALE });
			if (!document) {
				throw problem("PRODUCT_NOT_FOUND");
			}
			return document;
		},

		async changed(this: ProductsService, ids: string[]) {
			if (ids.length > 0) {
				this.invalidate(ids);
				flushInvalidations(this.broker);
				await this.listing.changed(ids);
			}
		},

		insertOnce(this: ProductsService, document: ProductDocument, key_id: string | undefined) {
			return writeVariant(this.adapter, document.variant_key, async () => {
				try {
					return await this.adapter.insert(document);
				} catch (error) {
					const first = key_id && isDuplicate(error) && (await this.adapter.findOne({ sku: document.sku }));
					if (!first) {
						throw error;
					}
					return first;
				}
			});
		},
	},
});
