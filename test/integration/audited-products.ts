import { randomUUID } from "node:crypto";
import { expect } from "@jest/globals";
import type { ServiceBroker } from "moleculer";
import { callAction } from "../../contracts/actions.ts";
import { asService } from "../../middlewares/permissions.ts";
import type { DocumentService } from "../../mixins/documents.ts";
import type { JobsService } from "../../mixins/jobs.ts";
import type { ProductDocument } from "../../services/products/documents.ts";
import type { Sweeper } from "../../services/products/sweeper.ts";
import { audit } from "../../tools/audit/audit.ts";
import type { Sources } from "../../tools/audit/snapshot.ts";
import { openSources } from "../../tools/audit/sources.ts";
import { setVariables } from "../variables.ts";
import { eventually, newProduct, newUser, type Person, startNode, stockOf } from "./shop.ts";
import { chooseStore } from "./stores.ts";

/** A shop whose products a test damages by hand, on one store. */
export class AuditedProducts {
	/** Node of products. */
	node!: ServiceBroker;
	/** Node of the other services. */
	others!: ServiceBroker;
	buyer!: Person;
	sources!: Sources;
	/** Ids and numbers created here: orders of another store have no products on this one. */
	readonly made = ["products.db"];
	/** Undoes the damage of the running test; afterwards the audit finds nothing. */
	mend: () => Promise<unknown> = async () => undefined;
	#url: string | undefined;

	/** @param url URL of the products' server; undefined for a NeDB file. */
	constructor(url: string | undefined) {
		this.#url = url;
	}

	async start(): Promise<void> {
		chooseStore(this.#url);
		this.others = await startNode("users", "orders", "notifications");
		this.buyer = await newUser(this.others);
		this.node = await startNode("products");
		this.sources = await openSources();
		setVariables({ MONGO_URL: undefined });
		// The sweeper would repair the damage done by these tests.
		await this.products.sweeper.stop();
		await this.others.waitForServices({ name: "products", version: 1 });
	}

	/** Stops the shop, and expects that the tests have left no breach. */
	async stop(): Promise<void> {
		const left = await this.breaches();
		await this.sources.close();
		await this.node.stop();
		await this.others.stop();
		expect(left).toEqual([]);
	}

	/** Undoes the damage of a test: the next one finds its own only. */
	async undo(): Promise<void> {
		await this.mend();
		this.mend = async () => undefined;
	}

	get products(): DocumentService<ProductDocument> & { sweeper: Sweeper } {
		return this.node.getLocalService({ name: "products", version: 1 }) as never;
	}

	get store() {
		return this.products.adapter;
	}

	/** Queries the orders' database. */
	orders(text: string, values: unknown[] = []) {
		const { pool } = this.others.getLocalService({ name: "orders", version: 1 }) as unknown as JobsService;
		return pool.query(text, values);
	}

	async found() {
		return (await audit(this.sources, 20_000, 50)).breaches.filter(({ document, what }) =>
			["check ", ...this.made].some((part) => `${document} ${what}`.includes(part)),
		);
	}

	async breaches(): Promise<string[]> {
		return (await this.found()).map(({ document, what }) => `${document} ${what}`);
	}

	async product() {
		const added = await newProduct(this.node, 10);
		this.made.push(added.id);
		return added;
	}

	async document(id: string): Promise<ProductDocument> {
		return (await this.store.findOne({ _id: id })) as ProductDocument;
	}

	change(id: string, update: object) {
		return this.store.updateMany({ _id: id }, update);
	}

	/** Like `change`, but undone at the end. */
	async breakIt(id: string, update: object): Promise<void> {
		const { _id, ...fields } = await this.document(id);
		await this.change(id, update);
		this.mend = () => {
			const added = ["ledger", "restocks"].filter((field) => !(field in fields));
			const $unset = Object.fromEntries(added.map((field) => [field, true]));
			return this.change(id, { $set: fields, ...(added.length > 0 ? { $unset } : {}) });
		};
	}

	async remove(id: string): Promise<void> {
		await (this.store as unknown as { removeMany(query: object): Promise<unknown> }).removeMany({ _id: id });
		await this.store.count({});
	}

	async refunded(restock: boolean) {
		const product = await this.product();
		const order = await this.buyer.call("v1.orders.place", {
			items: [{ product_id: product.id, quantity: 2 }],
			idempotency_key: randomUUID(),
		});
		await this.buyer.call("v1.orders.pay", { id: order.id });
		await callAction(this.others, "v1.orders.refund", { id: order.id, restock }, asService());
		await eventually("the units to be where they belong", async () => {
			const { rows } = await this.orders("SELECT restock_done FROM orders WHERE id = $1", [order.id]);
			const { held, supplied } = (await stockOf(this.node, product.id)) ?? {};
			return held === 0 && (!restock || (rows[0].restock_done && supplied === 12));
		});
		this.made.push(order.number);
		return { product, order };
	}
}
