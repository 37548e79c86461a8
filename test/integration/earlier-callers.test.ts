import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { ServiceBroker } from "moleculer";
import { callAction, type Meta } from "../../contracts/actions.ts";
import { failureDetectionMiddleware } from "../../middlewares/load-balancing.ts";
import { asService } from "../../middlewares/permissions.ts";
import { brokerOptions } from "../../moleculer.config.ts";
import { gatewayAddress } from "../../services/api/api.service.ts";
import { intoFile, newProduct, newUser, type Person, startNode } from "./shop.ts";

// During a rolling update, nodes of the previous version call services of this one, and the other way round.

const NOTIFICATIONS = [{ id: "first" }, { id: "second" }];

let shop: ServiceBroker;
let gateway: ServiceBroker;
let earlier: ServiceBroker;
let person: Person;

beforeAll(async () => {
	shop = await startNode("users", "products");
	gateway = await startNode("api");
	const nodeID = `earlier-${randomUUID()}`;
	// Without a response to the liveness checks, slow calls of this node would fail.
	const middlewares = [failureDetectionMiddleware()];
	earlier = new ServiceBroker(brokerOptions({ nodeID, middlewares, logger: intoFile() }));
	earlier.createService({ name: "notifications", version: 1, actions: { list: () => NOTIFICATIONS } });
	await earlier.start();
	await earlier.waitForServices(["v1.users", "v1.products"]);
	await gateway.waitForServices(["v1.notifications"]);
	person = await newUser(shop);
	await newProduct(shop, 1);
	await newProduct(shop, 1);
});

afterAll(async () => {
	await earlier?.stop();
	await gateway?.stop();
	await shop?.stop();
});

/** Calls an action, and returns its result with the metadata that the call has in the end. */
async function ask(broker: ServiceBroker, action: string, params: object) {
	const call = broker.call<unknown, object>(action, params, asService()) as Promise<unknown> & {
		ctx: { meta: Meta };
	};
	return { result: await call, meta: call.ctx.meta };
}

test("an earlier node gets the rows of a page, and the cursor of the next one in the metadata", async () => {
	const { items, next } = await callAction(shop, "v1.products.list", { limit: 1 });
	expect(next).not.toBeNull();
	expect(await ask(earlier, "v1.products.list", { limit: 1 })).toEqual({
		result: items,
		meta: { $next: next },
	});
	const all = await ask(earlier, "v1.products.list", {});
	expect(all).toEqual({ result: [expect.anything(), expect.anything()], meta: {} });
});

test("an earlier node gets the location and the status of a response in the metadata", async () => {
	const given = { name: "Teh", description: "", price: 1000, stock: 1, category: "teh" };
	const { result, meta } = await ask(earlier, "v1.products.create", given);
	expect(meta).toEqual({ $location: `/api/v1/products/${(result as { id: string }).id}` });
	expect((await ask(earlier, "v1.users.verifyEmail", { email: person.email })).meta).toEqual({
		$statusCode: 202,
	});
	expect((await ask(earlier, "v1.users.get", { id: person.id })).meta).toEqual({});
});

test("a node of this version gets a page, and nothing in the metadata, with services or without", async () => {
	const operator = await startNode();
	await operator.waitForServices("v1.users");
	for (const node of [gateway, operator]) {
		const { result, meta } = await ask(node, "v1.users.list", { limit: 1 });
		expect(result).toEqual({ items: [expect.anything()], next: expect.any(String) });
		expect(meta).toEqual({});
	}
	await operator.stop();
});

test("the rows that an earlier service returns are a page all the same, which goes on by rows to skip", async () => {
	const headers = { authorization: `Bearer ${person.token}` };
	const address = `${gatewayAddress(gateway.getLocalService("api"))}/api/v1/notifications`;
	const full = await fetch(`${address}?limit=2`, { headers });
	expect(await full.json()).toEqual(NOTIFICATIONS);
	expect(full.headers.get("link")).toBe('</api/v1/notifications?limit=2&skip=2>; rel="next"');
	const last = await fetch(`${address}?limit=3`, { headers });
	expect([await last.json(), last.headers.get("link")]).toEqual([NOTIFICATIONS, null]);
});
