import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { ServiceBroker } from "moleculer";
import { audit } from "../../tools/audit/audit.ts";
import type { Sources } from "../../tools/audit/snapshot.ts";
import { openSources } from "../../tools/audit/sources.ts";
import { setVariables } from "../variables.ts";
import { eventually, newProduct, newUser, type Person, SERVICES, startNode, stockOf } from "./shop.ts";
import { mongoUrl } from "./stores.ts";

(mongoUrl ? describe : describe.skip)("over two processes of products and orders", () => {
	let nodes: ServiceBroker[];
	let buyers: Person[];
	let sources: Sources;

	beforeAll(async () => {
		setVariables({ MONGO_URL: mongoUrl });
		nodes = [await startNode(...SERVICES), await startNode("products", "orders")];
		sources = await openSources();
		setVariables({ MONGO_URL: undefined });
		buyers = await Promise.all(nodes.map((node) => newUser(node)));
	});

	afterAll(async () => {
		await sources.close();
		await Promise.all(nodes.map((node) => node.stop()));
	});

	test.each([
		[200, 50],
		[1000, 1],
	])("%i buyers at once for %i units make as many orders as there are units", async (count, stock) => {
		const product = await newProduct(nodes[0] as ServiceBroker, stock);
		const items = [{ product_id: product.id, quantity: 1 }];
		// A busy machine refuses some of so many at once, who then ask again.
		const buy = (buyer: Person) => {
			const idempotency_key = randomUUID();
			return eventually("an answer", () =>
				buyer.call("v1.orders.place", { items, idempotency_key }).catch((error) => {
					if (error.type !== "QUEUE_FULL" && error.type !== "REQUEST_TIMEOUT") {
						throw error;
					}
					return undefined;
				}),
			);
		};
		const answers = await Promise.allSettled(
			Array.from({ length: count }, (_, number) => buy(buyers[number % 2] as Person)),
		);
		const refused = answers.filter((answer) => answer.status === "rejected");
		expect(answers.length - refused.length).toBe(stock);
		for (const { reason } of refused) {
			expect(reason).toMatchObject({ code: 409, type: "OUT_OF_STOCK" });
		}
		expect(await stockOf(nodes[0] as ServiceBroker, product.id)).toMatchObject({ stock: 0, held: stock });
		expect((await audit(sources, 20_000)).breaches).toEqual([]);
	});

	test("an order that is sent many times at once takes units from nobody else", async () => {
		for (let round = 0; round < 5; round++) {
			const product = await newProduct(nodes[0] as ServiceBroker, 3);
			const place = (number: number, idempotency_key: string) =>
				(buyers[number % 2] as Person).call("v1.orders.place", {
					items: [{ product_id: product.id, quantity: 1 }],
					idempotency_key,
				});
			const again = randomUUID();
			const answers = await Promise.all([
				...Array.from({ length: 10 }, () => place(0, again)),
				place(0, randomUUID()),
				place(1, randomUUID()),
			]);
			expect(new Set(answers.map(({ id }) => id)).size).toBe(3);
			expect(await stockOf(nodes[0] as ServiceBroker, product.id)).toMatchObject({ stock: 0, held: 3 });
		}
	});
});
