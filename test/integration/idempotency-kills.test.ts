import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { ServiceBroker } from "moleculer";
import { childEnvironment } from "../../config/settings.ts";
import { callAction } from "../../contracts/actions.ts";
import { jetStreamOf } from "../../events/stream.ts";
import { asService } from "../../middlewares/permissions.ts";
import { KeyedClient, newKey } from "./keyed-client.ts";
import { admin, eventually, newProduct, type Person, startGateway, startNode, stockOf } from "./shop.ts";
import { forgetStores, stores } from "./stores.ts";

let users: ServiceBroker;
let gateway: ServiceBroker;
let keeper: Person;
let client: KeyedClient;

beforeAll(async () => {
	users = await startNode("users");
	const started = await startGateway();
	gateway = started.gateway;
	client = new KeyedClient(started.address);
	keeper = await admin(users);
});

afterAll(async () => {
	await gateway.stop();
	await users.stop();
});

describe.each(stores)("a change of the stock on %s", (_, url) => {
	let child: ChildProcess | undefined;

	async function startProducts(environment: Record<string, string> = {}): Promise<void> {
		const { MONGO_URL, NODE_OPTIONS, ...inherited } = childEnvironment();
		child = spawn(process.execPath, ["--no-deprecation", join(import.meta.dirname, "products-process.ts")], {
			env: { ...inherited, ...(url ? { MONGO_URL: url } : {}), ...environment },
			stdio: ["ignore", "pipe", "inherit"],
		});
		await once(child.stdout as NonNullable<typeof child.stdout>, "data");
	}

	async function kill(signal: NodeJS.Signals): Promise<void> {
		const ending = once(child as ChildProcess, "exit");
		child?.kill(signal);
		await ending;
	}

	beforeAll(() => startProducts());
	afterAll(async () => {
		await kill("SIGKILL");
		// The next run has its products in another store.
		await forgetStores(jetStreamOf(gateway));
	});

	test("is made once for each of 120 keys, repeated wherever it got 503, while products is killed twice", async () => {
		await gateway.waitForServices({ name: "products", version: 1 });
		const { body } = await client.persist("POST", "/products", {
			as: keeper,
			key: newKey(),
			body: { name: "Kopi", description: "", price: 1000, stock: 0, category: "uji" },
		});
		const path = `/products/${body.id}/stock`;
		let done = 0;
		let repeated = 0;
		const keys = Array.from({ length: 120 }, newKey);
		const work = Array.from({ length: 8 }, async () => {
			for (let key = keys.pop(); key; key = keys.pop()) {
				const { status, tries } = await client.persist("PUT", `${path}?quantity=1`, { as: keeper, key });
				expect(status).toBe(200);
				repeated += tries - 1;
				done++;
			}
		});
		for (let killed = 1; killed <= 2; killed++) {
			await eventually("some of them", async () => done >= killed * 40);
			await kill("SIGKILL");
			await startProducts();
		}
		await Promise.all(work);
		expect(repeated).toBeGreaterThan(0);
		expect(await stockOf(gateway, body.id as string)).toMatchObject({ stock: 120, supplied: 120 });
		const ledger = await callAction(
			gateway,
			"v1.products.ledger",
			{ product: body.id as string },
			asService(),
		);
		expect(ledger.entries.reduce((sum, { quantity }) => sum + quantity, 0)).toBe(120);
	});

	test("that died with its process before it was answered is taken over by the next one at once", async () => {
		await kill("SIGKILL");
		await startProducts({ NEVER_ANSWER: "yes" });
		const { id } = await eventually("a product", () => newProduct(gateway, 5).catch(() => undefined));
		const given = { as: keeper, key: newKey() };
		const doomed = client.send("PUT", `/products/${id}/stock?quantity=3`, given);
		await eventually("the change", async () => (await stockOf(gateway, id))?.stock === 8);
		await kill("SIGKILL");
		expect((await doomed).status).toBe(503);
		await startProducts();
		const begun = performance.now();
		const again = await client.persist("PUT", `/products/${id}/stock?quantity=3`, given);
		expect(again).toMatchObject({ status: 200, body: { stock: 8 } });
		expect(performance.now() - begun).toBeLessThan(15_000);
	});
});
