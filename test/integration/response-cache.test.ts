import { afterAll, beforeAll, expect, test } from "@jest/globals";
import type { Context, Middleware, Service, ServiceBroker } from "moleculer";
import type { NatsConnection } from "nats";
import { callAction } from "../../contracts/actions.ts";
import { problem } from "../../contracts/problems.ts";
import { asService } from "../../middlewares/permissions.ts";
import { natsOf } from "../../nats/client.ts";
import { gatewayAddress } from "../../services/api/api.service.ts";
import {
	admin,
	eventually,
	newProduct,
	newUser,
	PASSWORD,
	type Person,
	startNode,
	startNodeWith,
} from "./shop.ts";

// A gateway with its own response cache, and the services on another node.
let services: ServiceBroker;
let gateway: ServiceBroker;
let address: string;
let keeper: Person;

/** Number of runs of each products action, and the function called before each. */
let runs: Record<string, number> = {};
let before: (name: string) => Promise<void> = async () => undefined;

const counting: Middleware = {
	name: "TestCounting",
	localAction(next, action) {
		return async function count(this: Service, ctx: Context) {
			const name = action.name as string;
			runs[name] = (runs[name] ?? 0) + 1;
			await before(name);
			return next.call(this, ctx);
		};
	},
};

beforeAll(async () => {
	services = await startNodeWith([counting], "users", "products", "orders");
	gateway = await startNode("api");
	address = `${gatewayAddress(gateway.getLocalService("api"))}/api/v1`;
	await gateway.waitForServices(["v1.users", "v1.products", "v1.orders"]);
	keeper = await admin(services);
});

afterAll(async () => {
	await gateway.stop();
	await services.stop();
});

async function get(path: string, headers: Record<string, string> = {}) {
	const response = await fetch(`${address}${path}`, { headers });
	const body = (await response.json()) as { stock: number; price: number };
	return { status: response.status, age: response.headers.get("age"), body };
}

async function send(method: string, path: string, person: Person, body?: object) {
	const response = await fetch(`${address}${path}`, {
		method,
		headers: { authorization: `Bearer ${person.token}`, "content-type": "application/json" },
		...(body ? { body: JSON.stringify(body) } : {}),
	});
	return response.status;
}

function reset() {
	runs = {};
	before = async () => undefined;
}

test("a product that was read is served from the cache without a call", async () => {
	const { id } = await newProduct(services, 5);
	reset();
	for (let turn = 0; turn < 5; turn++) {
		expect((await get(`/products/${id}`)).body.stock).toBe(5);
	}
	expect(runs["v1.products.get"]).toBe(1);
});

test("concurrent identical calls share one request", async () => {
	const { id } = await newProduct(services, 5);
	reset();
	const answers = await Promise.all(Array.from({ length: 50 }, () => get(`/products/${id}`)));
	expect(answers.every(({ status }) => status === 200)).toBe(true);
	expect(runs["v1.products.get"]).toBe(1);
});

test("invalid parameters are refused as if nothing were cached", async () => {
	const { id } = await newProduct(services, 5);
	await get(`/products/${id}`);
	expect((await get(`/products/${id}?extra=1`)).status).toBe(422);
});

test("an error is not cached", async () => {
	reset();
	for (let turn = 0; turn < 2; turn++) {
		expect((await get("/products/01a20af7e8d300020f7306eb")).status).toBe(404);
	}
	expect(runs["v1.products.get"]).toBe(2);
});

test("a change of a product by the shopkeeper is seen in its page and in lists, by whoever asks", async () => {
	const { id, category } = await newProduct(services, 5);
	const inList = async () => {
		const { body } = await get(`/products?category=${category}&sort=-created_at&limit=1`);
		return (body as unknown as { price: number }[])[0];
	};
	for (let price = 1000; price < 1010; price++) {
		await get(`/products/${id}`);
		await inList();
		expect(await send("PATCH", `/products/${id}`, keeper, { price })).toBe(200);
		expect((await get(`/products/${id}`)).body.price).toBe(price);
		expect((await inList())?.price).toBe(price);
	}
	expect(await send("PUT", `/products/${id}/stock?quantity=7`, keeper)).toBe(200);
	expect((await get(`/products/${id}`)).body.stock).toBe(12);
	expect(await send("DELETE", `/products/${id}`, keeper)).toBe(204);
	expect((await get(`/products/${id}`)).status).toBe(404);
});

test("a product that was just added is in the list, whoever asks", async () => {
	const list = "/products?sort=-created_at&limit=1";
	for (let turn = 0; turn < 5; turn++) {
		await get(list);
		const name = `Teh ${turn}`;
		const given = { name, description: "", price: 1000, stock: 1, category: "teh" };
		expect(await send("POST", "/products", keeper, given)).toBe(201);
		expect((await get(list)).body).toMatchObject([{ name }]);
	}
});

/** Returns the number of calls for this list since the last `reset()`. */
const lists = () => runs["v1.products.list"] ?? 0;

test("a list is requested again for the client that changed it, and for nobody else behind the same address", async () => {
	const [ani, budi] = await Promise.all([newUser(services), newUser(services)]);
	const product = await newProduct(services, 50);
	const list = "/products?limit=7";
	const as = ({ token }: Person) => ({ authorization: `Bearer ${token}` });
	// A list is fresh for one second: a slower round proves nothing.
	await eventually("a turn within a second", async () => {
		await get(list);
		reset();
		const begun = performance.now();
		await get(list, as(ani));
		await get(list, as(budi));
		const isCached = lists() === 0;
		const items = [{ product_id: product.id, quantity: 1 }];
		expect(await send("POST", "/orders", ani, { items })).toBe(201);
		await get(list, as(budi));
		await get(list);
		const isStillCached = lists() === 0;
		await get(list, as(ani));
		const isAskedAgain = lists() === 1;
		return performance.now() - begun < 900 && isCached && isStillCached && isAskedAgain;
	});
});

test.each([
	["a login", () => ["/users/login", { email: keeper.email, password: PASSWORD }]],
	["a login that fails", () => ["/users/login", { email: "nobody@toko.test", password: "wrong" }]],
	[
		"a registration",
		() => {
			const username = `r${Date.now()}`;
			const person = { email: `${username}@toko.test`, username, password: PASSWORD, full_name: "Rini" };
			return ["/users/register", person];
		},
	],
	["an order without a token", () => ["/orders", { items: [{ product_id: "none", quantity: 1 }] }]],
] as [string, () => [string, object]][])("%s leaves what is cached", async (_, request) => {
	const { id } = await newProduct(services, 5);
	await get(`/products/${id}`);
	reset();
	const [path, body] = request();
	const headers = { "content-type": "application/json" };
	const answer = await fetch(`${address}${path}`, { method: "POST", headers, body: JSON.stringify(body) });
	expect(answer.status).not.toBe(422);
	await get(`/products/${id}`);
	await get(`/products/${id}`, { authorization: `Bearer ${keeper.token}` });
	expect(runs["v1.products.get"]).toBeUndefined();
});

test("a forbidden change of a product does not invalidate it", async () => {
	const [{ id }, stranger] = await Promise.all([newProduct(services, 5), newUser(services)]);
	await get(`/products/${id}`);
	reset();
	expect(await send("PATCH", `/products/${id}`, stranger, { price: 1 })).toBe(403);
	const forged = { ...keeper, token: `${keeper.token}x` };
	expect(await send("DELETE", `/products/${id}`, forged)).toBe(401);
	await get(`/products/${id}`);
	expect(runs["v1.products.get"]).toBeUndefined();
});

test("a client that changed a product does not get its cached version while products is unavailable", async () => {
	const { id } = await newProduct(services, 5);
	const as = { authorization: `Bearer ${keeper.token}` };
	expect((await get(`/products/${id}`, as)).status).toBe(200);
	reset();
	expect(await send("PATCH", `/products/${id}`, keeper, { price: 2500 })).toBe(200);
	before = async (name) => {
		if (name === "v1.products.get") {
			throw problem("UNAVAILABLE", { service: "products" });
		}
	};
	expect((await get(`/products/${id}`, as)).status).toBe(503);
	// Other clients get the stale response with its age.
	expect(await get(`/products/${id}`)).toMatchObject({ status: 200, age: expect.any(String) });
	reset();
});

test("a client that orders sees the remaining stock", async () => {
	const buyer = await newUser(services);
	const { id } = await newProduct(services, 10);
	for (let left = 9; left >= 5; left--) {
		await get(`/products/${id}`);
		expect(await send("POST", "/orders", buyer, { items: [{ product_id: id, quantity: 1 }] })).toBe(201);
		expect((await get(`/products/${id}`)).body.stock).toBe(left);
	}
});

test("a response that was in flight while its product changed is not cached", async () => {
	const { id } = await newProduct(services, 5, 1000);
	reset();
	let release = () => {};
	const held = new Promise<void>((resolve) => {
		release = resolve;
	});
	let isFirst = true;
	before = async (name) => {
		if (name === "v1.products.get" && isFirst) {
			isFirst = false;
			await held;
		}
	};
	const slow = get(`/products/${id}`);
	await eventually("the call", async () => (runs["v1.products.get"] ?? 0) > 0);
	expect(await send("PATCH", `/products/${id}`, keeper, { price: 2000 })).toBe(200);
	expect((await get(`/products/${id}`)).body.price).toBe(2000);
	release();
	await slow;
	expect((await get(`/products/${id}`)).body.price).toBe(2000);
});

test("changes by others are announced over NATS, even by nodes that consider this one gone", async () => {
	const { id } = await newProduct(services, 5);
	for (const isGone of [false, true]) {
		await get(`/products/${id}`);
		if (isGone) {
			services.registry.nodes.disconnected(gateway.nodeID, true);
		}
		const { stock } = await callAction(services, "v1.products.changeStock", { id, quantity: 1 }, asService());
		const isSeen = async () => (await get(`/products/${id}`)).body.stock === stock;
		// Sooner than ten seconds, after which a product is requested again anyway.
		await eventually("the new stock", isSeen, 8000);
	}
});

test("after a NATS outage everything is requested again, since invalidations were missed", async () => {
	const { id } = await newProduct(services, 5);
	await get(`/products/${id}`);
	const nats = natsOf(gateway) as NatsConnection;
	await nats.reconnect();
	await eventually("NATS", async () => {
		const stillThere = await nats.rtt().catch(() => undefined);
		return stillThere !== undefined;
	});
	await gateway.waitForServices("v1.products");
	reset();
	expect((await get(`/products/${id}`)).status).toBe(200);
	expect(runs["v1.products.get"]).toBe(1);
});

test("an order of several products of which one is short tells that the others may have changed", async () => {
	const [plenty, short] = await Promise.all([newProduct(services, 5), newProduct(services, 1)]);
	await get(`/products/${plenty.id}`);
	reset();
	const items = [plenty, short].map(({ id }) => ({ product_id: id, quantity: 2 }));
	const order = (await newUser(services)).call("v1.orders.place", { items });
	await expect(order).rejects.toMatchObject({ type: "OUT_OF_STOCK" });
	await eventually("a page that is asked for again", async () => {
		await get(`/products/${plenty.id}`);
		return runs["v1.products.get"] === 1;
	});
});

test("a product that is known to be removed is not shown while products is unavailable", async () => {
	const { id } = await newProduct(services, 5);
	expect((await get(`/products/${id}`)).status).toBe(200);
	await callAction(services, "v1.products.remove", { id }, asService());
	await eventually("its end", async () => (await get(`/products/${id}`)).status === 404);
	before = async (name) => {
		if (name === "v1.products.get") {
			throw problem("UNAVAILABLE", { service: "products" });
		}
	};
	expect((await get(`/products/${id}`)).status).toBe(503);
	reset();
});

test("cached pages keep their link to the next one", async () => {
	await Promise.all([newProduct(services, 1), newProduct(services, 1), newProduct(services, 1)]);
	const links = await Promise.all(
		[1, 2].map(async () => (await fetch(`${address}/products?limit=2`)).headers.get("link")),
	);
	expect(links[0]).toMatch(/cursor=.*rel="next"/);
	expect(links[1]).toBe(links[0]);
});

test("while products fails, cached lists are served with their age; others are 503", async () => {
	const { category } = await newProduct(services, 5);
	const list = `/products?category=${category}&limit=2`;
	const { body } = await get(list);
	reset();
	before = async (name) => {
		if (name === "v1.products.list") {
			throw problem("UNAVAILABLE", { service: "products" });
		}
	};
	// Fresh for one second, then requested again.
	const kept = await eventually("what was kept", async () => {
		const answer = await get(list);
		return answer.age !== null && answer;
	});
	expect(kept).toMatchObject({ status: 200, body });
	expect(Number(kept.age)).toBeGreaterThanOrEqual(1);
	expect((await get(`${list}&skip=1`)).status).toBe(503);
	reset();
});

test("while products does not respond, cached responses are served in about a second", async () => {
	const list = "/products?limit=3";
	const { body } = await get(list);
	reset();
	let release = () => {};
	const held = new Promise<void>((resolve) => {
		release = resolve;
	});
	before = (name) => (name === "v1.products.list" ? held : Promise.resolve());
	const kept = await eventually("what was kept", async () => {
		const answer = await get(list);
		return answer.age !== null && answer;
	});
	expect(kept).toMatchObject({ status: 200, body });
	release();
	reset();
});
