import { randomUUID } from "node:crypto";
import { afterAll, afterEach, beforeAll, expect } from "@jest/globals";
import type { ServiceBroker } from "moleculer";
import type { JobsService } from "../../mixins/jobs.ts";
import type { Sweeper } from "../../services/products/sweeper.ts";
import { audit } from "../../tools/audit/audit.ts";
import type { Sources } from "../../tools/audit/snapshot.ts";
import { openSources } from "../../tools/audit/sources.ts";
import { eventually, newProduct, newUser, type Person, SERVICES, startNode, stockOf } from "./shop.ts";

/** A shop without a sweeper, whose databases the tests of one file damage and repair. */
export class BreakableShop {
	broker!: ServiceBroker;
	buyer!: Person;
	sources!: Sources;
	/** Undoes the damage of the running test. */
	mend: () => Promise<unknown> = async () => undefined;

	/** Starts the shop before all tests and stops it after them. After each test it must have no breaches. */
	constructor() {
		beforeAll(async () => {
			this.broker = await startNode(...SERVICES);
			this.buyer = await newUser(this.broker);
			this.sources = await openSources();
			// The sweeper would repair the damage done by these tests.
			await this.local<{ sweeper: Sweeper }>("products").sweeper.stop();
		});
		afterAll(async () => {
			await this.sources.close();
			await this.broker.stop();
		});
		afterEach(async () => {
			await this.mend();
			this.mend = async () => undefined;
			expect(await this.breaches()).toEqual([]);
		});
	}

	local = <S>(name: string) => this.broker.getLocalService({ name, version: 1 }) as unknown as S;

	sql = (name: string, text: string, values: unknown[] = []) =>
		this.local<JobsService>(name).pool.query(text, values);

	breaches = async () => (await audit(this.sources, 20_000)).breaches;

	newOrder = async () => {
		const product = await newProduct(this.broker, 10);
		const order = await this.buyer.call("v1.orders.place", {
			items: [{ product_id: product.id, quantity: 2 }],
			idempotency_key: randomUUID(),
		});
		const { rows } = await this.sql("orders", "SELECT id FROM reservations WHERE order_id = $1", [order.id]);
		return { product, order, reservation_id: rows[0].id as string };
	};

	paidOrder = async () => {
		const made = await this.newOrder();
		await this.buyer.call("v1.orders.pay", { id: made.order.id });
		await eventually("the hold to go", async () => (await stockOf(this.broker, made.product.id))?.held === 0);
		return made;
	};
}
