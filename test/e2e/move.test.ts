import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, test } from "@jest/globals";
import { isRunning } from "../../processes/child.ts";
import { cleanUp, client, newFolder, type Request, run, signUp, until } from "../../tools/shop-process.ts";
import { notRun } from "../not-run.ts";
import { testMongoUrl } from "../variables.ts";

afterAll(cleanUp);

const mongo_url = testMongoUrl;
const folder = newFolder();
const shared = { TOKO_NAMESPACE: `move_${process.pid}` };
const onServer = { ...shared, MONGO_URL: mongo_url as string };

/** Starts the shop. */
async function start(environment: Record<string, string>) {
	const shop = run(folder, ["start"], environment);
	const address = (await shop.line(/^ready /, 120_000)).slice("ready ".length).trim();
	const stop = async () => {
		shop.child.kill("SIGTERM");
		expect(await shop.ended()).toBe(0);
	};
	return { request: client(address), stop };
}

async function ended(args: string[], environment: Record<string, string> = {}) {
	const command = run(folder, args, { ...shared, ...environment });
	const code = await command.ended();
	return { code, said: command.output() + command.errors() };
}

/** Kills a move as soon as it has the products' lock, then runs it to its end. */
async function move(option: "--to" | "--from"): Promise<string> {
	const args = ["products", "move", option, "MONGO_URL"];
	const killed = run(folder, args, onServer);
	const lock = join(folder, "products.lock");
	await until("the move to begin or to end", () => {
		const isMoving = existsSync(lock) && readFileSync(lock, "utf8").includes("moving");
		return isMoving || !isRunning(killed.child);
	});
	try {
		process.kill(-(killed.child.pid as number), "SIGKILL");
	} catch {
		// It has ended.
	}
	await killed.ended();
	const { code, said } = await ended(args, onServer);
	expect({ code, said }).toMatchObject({ code: 0 });
	// The move may have been faster than the kill.
	return killed.output() + said;
}

async function place(request: Request, token: string, product_id: string): Promise<string> {
	const body = { items: [{ product_id, quantity: 1 }] };
	const placed = await request("POST", "/api/v1/orders", { body, token });
	expect(placed.status).toBe(201);
	return placed.body.id;
}

async function stock(request: Request, id: string): Promise<number> {
	return (await request("GET", `/api/v1/products/${id}`)).body.stock;
}

if (mongo_url) {
	test("a shop moves to MongoDB with open orders, and back, and sells each unit once", async () => {
		let shop = await start(shared);
		const token = await signUp(shop.request, "mover");
		const [product] = (await shop.request("GET", "/api/v1/products?limit=1&in_stock=true")).body;
		const orders: string[] = [];
		for (let number = 0; number < 4; number++) {
			orders.push(await place(shop.request, token, product.id));
		}
		expect((await ended(["products", "move", "--to", "MONGO_URL"], onServer)).said).toMatch(
			/^toko: (products run in process|a shop runs in) .*: stop it before/m,
		);
		await shop.stop();

		expect(await move("--to")).toMatch(
			/4 units in 4 open holds.*\nmoved \d+ products from .*products\.db to the /,
		);
		expect(await ended(["start"])).toMatchObject({
			...{
				code: 1,
				said: expect.stringMatching(/^toko: products were moved from .*: set MONGO_URL to that /m),
			},
		});
		shop = await start(onServer);
		expect((await ended(["products", "move", "--from", "MONGO_URL"], onServer)).said).toMatch(
			/^toko: .*: stop /m,
		);
		const settle = async (paid: string | undefined, cancelled: string | undefined) => {
			expect((await shop.request("POST", `/api/v1/orders/${paid}/pay`, { token })).status).toBe(200);
			expect((await shop.request("POST", `/api/v1/orders/${cancelled}/cancel`, { token })).status).toBe(200);
		};
		await settle(orders[0], orders[1]);
		await until("the units of the cancelled order", async () => {
			return (await stock(shop.request, product.id)) === product.stock - 3;
		});
		expect(await ended(["audit"], onServer)).toMatchObject({
			code: 0,
			said: expect.stringContaining("no breach"),
		});
		await shop.stop();

		expect(await move("--from")).toMatch(/2 units in 2 open holds.*\nmoved \d+ products from the /);
		shop = await start(shared);
		await settle(orders[2], orders[3]);
		await until("the units of the cancelled order", async () => {
			return (await stock(shop.request, product.id)) === product.stock - 2;
		});
		expect(await ended(["audit"])).toMatchObject({ code: 0, said: expect.stringContaining("no breach") });
		await shop.stop();
	}, 400_000);
} else {
	notRun("a shop moves to MongoDB and back", "there is no MongoDB-compatible server");
}
