import type { z } from "zod";
import { implement } from "../../contracts/actions.ts";
import { problem } from "../../contracts/problems.ts";
import { type catalogueOutcome, products, STOCK_MAX } from "../../contracts/products.ts";
import { type DocumentService, documents } from "../../mixins/documents.ts";
import { service } from "../../mixins/schema.ts";
import { importLines } from "./catalogue.ts";
import { changesOf, newDocument, ON_SALE, type ProductDocument, present, presentStock } from "./model.ts";
import { consume, release, reserve, restock } from "./stock.ts";
import { Sweeper } from "./sweeper.ts";

interface ProductsService extends DocumentService<ProductDocument> {
	sweeper: Sweeper;
	find(id: string): Promise<ProductDocument>;
}

/** How many products the operator is shown at most. */
const STOCK_ROWS = 20;

export default service<ProductsService>({
	name: products.name,
	version: products.version,
	mixins: [
		documents("products", [
			{ field: "sku", unique: true },
			{ field: "category" },
			{ field: "holds.reservation_id" },
			{ field: "holds.expires_at" },
		]),
	],

	actions: implement<ProductsService>()(products, {
		async list(ctx) {
			const { skip, limit, category } = ctx.params;
			const query = { ...ON_SALE, ...(category ? { category } : {}) };
			const found = await this.adapter.find({ query, sort: ["_id"], offset: skip, limit });
			return found.map(present);
		},

		async categories() {
			return (await this.distinct("category", ON_SALE)).sort();
		},

		async get(ctx) {
			return present(await this.find(ctx.params.id));
		},

		async create(ctx) {
			const document = newDocument(ctx.params);
			await this.adapter.insert(document);
			ctx.meta.$location = `/api/v1/products/${document._id}`;
			return present(document);
		},

		async update(ctx) {
			const { id, ...changes } = ctx.params;
			const document = await this.find(id);
			const described = changesOf({ ...present(document), ...changes });
			const updated_at = new Date().toISOString();
			await this.adapter.updateMany(
				{ _id: id, ...ON_SALE },
				{ $set: { ...pickGiven(described, changes), updated_at } },
			);
			return present(await this.find(id));
		},

		async remove(ctx) {
			const removed_at = new Date().toISOString();
			const changed = await this.adapter.updateMany(
				{ _id: ctx.params.id, ...ON_SALE },
				{ $set: { removed_at } },
			);
			if (changed === 0) {
				throw problem("PRODUCT_NOT_FOUND");
			}
			return null;
		},

		async changeStock(ctx) {
			const { id, quantity } = ctx.params;
			const changed = await this.adapter.updateMany(
				{
					_id: id,
					...ON_SALE,
					stock: { $gte: Math.max(0, -quantity), $lte: STOCK_MAX - Math.max(0, quantity) },
				},
				{ $inc: { stock: quantity, supplied: quantity }, $set: { updated_at: new Date().toISOString() } },
			);
			const { stock } = await this.find(id);
			if (changed === 0) {
				throw quantity < 0
					? problem("STOCK_WOULD_BE_NEGATIVE", { stock })
					: problem("STOCK_TOO_LARGE", { max: STOCK_MAX });
			}
			return { message: "Stok berhasil diupdate", stock };
		},

		async stock(ctx) {
			const { product } = ctx.params;
			const name = new RegExp(product.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"), "i");
			const query = { ...ON_SALE, $or: [{ _id: product }, { sku: product }, { name }] };
			return (await this.adapter.find({ query, sort: ["name"], limit: STOCK_ROWS })).map(presentStock);
		},

		import(ctx): Promise<z.input<typeof catalogueOutcome>[]> {
			return importLines(this.adapter, ctx.params.file, ctx.params.lines);
		},

		async count() {
			return { products: await this.adapter.count({ query: {} }) };
		},

		async reserve(ctx) {
			const { reservation_id, lines, expires_at } = ctx.params;
			const held = await reserve(this.adapter, reservation_id, lines, expires_at);
			return {
				lines: held.map(({ product_id, quantity, document }) => ({
					product_id,
					quantity,
					name: document.name,
					price_minor: document.price_minor,
				})),
			};
		},

		async consume(ctx) {
			return { lines: await consume(this.adapter, ctx.params.reservation_id) };
		},

		async release(ctx) {
			return { lines: await release(this.adapter, ctx.params.reservation_id) };
		},

		async restock(ctx) {
			const { order_id, lines } = ctx.params;
			return { lines: await restock(this.adapter, order_id, lines) };
		},

		async health() {
			await this.ping();
			return { status: "healthy", service: "product-service" };
		},
	}),

	async started() {
		this.sweeper = new Sweeper(this);
		this.sweeper.start();
	},

	async stopped() {
		await this.sweeper.stop();
	},

	methods: {
		async find(this: ProductsService, id: string) {
			const document = await this.adapter.findOne({ _id: id, ...ON_SALE });
			if (!document) {
				throw problem("PRODUCT_NOT_FOUND");
			}
			return document;
		},
	},
});

/** Only what the caller changes is written, so that two who change different fields do not undo each other. */
function pickGiven(described: ReturnType<typeof changesOf>, changes: object) {
	return Object.fromEntries(
		Object.entries(described).filter(([field]) => field.replace(/_minor$/, "") in changes),
	);
}
