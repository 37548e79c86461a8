import { randomBytes, randomUUID } from "node:crypto";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import type { Middleware, ServiceBroker } from "moleculer";
import { type Db, MongoClient } from "mongodb";
import { replaceSettings, settings } from "../../config/settings.ts";
import { callAction } from "../../contracts/actions.ts";
import { addMove, closedStore, type Move, readMove } from "../../database/store-move.ts";
import { registerProcess, runningProcesses } from "../../database/store-processes.ts";
import { jetStreamOf } from "../../events/stream.ts";
import type { DocumentService } from "../../mixins/documents.ts";
import type { HoldPage, ProductDocument } from "../../services/products/documents.ts";
import { moveOldest } from "../../services/products/hold-paging.ts";
import { audit } from "../../tools/audit/audit.ts";
import { openSources } from "../../tools/audit/sources.ts";
import { checkMoved, checkStores } from "../../tools/audit/stores.ts";
import { type Lease, takeLease } from "../../tools/move/lease.ts";
import { type Direction, moveBetween, moveProducts } from "../../tools/move/move.ts";
import { openFile, openServer, type Side } from "../../tools/move/sides.ts";
import { canonical, summaryOf } from "../../tools/move/summary.ts";
import { setVariables, testFolder } from "../variables.ts";
import {
	admin,
	eventually,
	newProduct,
	newUser,
	type Person,
	SERVICES,
	startNodeWith,
	stockOf,
} from "./shop.ts";
import { forgetStores, mongoUrl } from "./stores.ts";

const onMongo = mongoUrl ? test : test.skip;
const url = mongoUrl as string;

const { variables: given } = settings;
let opened: { close(): Promise<unknown> }[] = [];
let shop: ServiceBroker;
const started: ServiceBroker[] = [];

/** Nodes that fail to start must be stopped, too. */
const noteNode: Middleware = { name: "NoteNode", created: (broker) => void started.push(broker) };

/** Each test has its own shop. */
beforeEach(() => {
	const name = `${given.TOKO_NAMESPACE}_${randomBytes(3).toString("hex")}`;
	const TOKO_DIR = join(testFolder, name);
	mkdirSync(TOKO_DIR);
	setVariables({ TOKO_NAMESPACE: name, TOKO_DIR });
});

afterEach(async () => {
	await stop();
	await Promise.all(opened.map((one) => one.close()));
	opened = [];
	replaceSettings(given);
});

/** Starts the shop on the server or on the file. */
async function start(store: "server" | "file", ...names: string[]): Promise<ServiceBroker> {
	setVariables({ MONGO_URL: store === "server" ? url : undefined });
	shop = await startNodeWith([noteNode], ...names);
	return shop;
}

async function stop(): Promise<void> {
	await Promise.all(started.splice(0).map((broker) => broker.stop()));
}

const refusal = (work: Promise<unknown>) =>
	work.then(
		() => "",
		({ message }) => message as string,
	);

const move = (direction: Direction) =>
	moveProducts(direction, url, () => undefined, new Promise<never>(() => undefined));

/** Opens both stores. Nobody else may have the file open. */
async function openBoth(): Promise<{ file: Side; server: Awaited<ReturnType<typeof openServer>> }> {
	const both = { file: await openFile(), server: await openServer(url) };
	opened.push(both.file, both.server);
	return both;
}

async function closeBoth(): Promise<void> {
	await Promise.all(opened.splice(0).map((one) => one.close()));
}

/** Everything that a store has, in a form that can be compared. */
async function contentsOf(side: Side) {
	const [products, pages] = await Promise.all([side.products.find({}), side.pages.find({})]);
	const sorted = (documents: { _id: string }[]) => documents.map(canonical).sort();
	return { products: sorted(products), pages: sorted(pages), values: await side.readValues() };
}

async function breaches() {
	const sources = await openSources();
	await checkStores(sources);
	const found = await audit(sources, 20_000);
	await sources.close();
	return found.breaches.map(({ document, what }) => `${document} ${what}`);
}

/** Fills the products' file with products, holds in two pages, and a restock, without a shop. */
async function fillFile(products: number): Promise<void> {
	const broker = await start("file", "products");
	const { adapter, secondary } = broker.getLocalService({
		name: "products",
		version: 1,
	}) as unknown as DocumentService<ProductDocument, HoldPage>;
	const made = [];
	for (let number = 0; number < products; number++) {
		made.push(await newProduct(broker, 100));
	}
	const [{ id }, { id: other }] = made as unknown as [{ id: string }, { id: string }];
	const expires_at = new Date(Date.now() + 1_800_000).toISOString();
	for (let holds = 0; holds < 6; holds++) {
		const lines = [{ product_id: id, quantity: 2 }];
		await callAction(broker, "v1.products.reserve", { reservation_id: randomUUID(), lines, expires_at });
	}
	const few = { own_max: 3, own_min: 1, page_max: 2 };
	await moveOldest({ products: adapter, pages: secondary }, id, few);
	await moveOldest({ products: adapter, pages: secondary }, id, few);
	const lines = [{ product_id: other, quantity: 1 }];
	await callAction(broker, "v1.products.restock", { order_id: randomUUID(), lines });
	await stop();
}

onMongo(
	"a shop goes on with its orders, stock and place in the stream, there and back again",
	async () => {
		const place = (buyer: Person, product_id: string) =>
			callAction(
				shop,
				"v1.orders.place",
				{ items: [{ product_id, quantity: 1 }] },
				{ meta: { token: buyer.token } },
			);
		const as = ({ token }: Person) => ({ meta: { token } });
		const settled = (id: string, expected: object) =>
			eventually("the holds to be settled", async () => {
				const row = await stockOf(shop, id);
				return Object.entries(expected).every(([name, value]) => row?.[name as "stock"] === value);
			});

		let broker = await start("file", ...SERVICES);
		const [buyer, keeper] = [await newUser(broker), await admin(broker)];
		const { id } = await newProduct(broker, 10);
		const refunded = await place(buyer, id);
		await callAction(broker, "v1.orders.pay", { id: refunded.id }, as(buyer));
		await callAction(broker, "v1.orders.refund", { id: refunded.id, restock: true }, as(keeper));
		await settled(id, { stock: 10, held: 0, supplied: 11 });
		const [paidThere, cancelledThere] = [await place(buyer, id), await place(buyer, id)];
		const [paidBack, cancelledBack] = [await place(buyer, id), await place(buyer, id)];
		await stop();

		expect(await move("to")).toMatchObject({
			summary: { products: 1, stock: 6, supplied: 11, holds: 4, held: 4, restocks: 1 },
		});
		broker = await start("server", ...SERVICES);
		expect(await callAction(broker, "v1.products.health", {})).toMatchObject({ status: "healthy" });
		await callAction(broker, "v1.orders.pay", { id: paidThere.id }, as(buyer));
		await callAction(broker, "v1.orders.cancel", { id: cancelledThere.id }, as(buyer));
		await settled(id, { stock: 7, held: 2, supplied: 11 });
		expect(await breaches()).toEqual([]);
		await stop();

		expect(await move("from")).toMatchObject({ summary: { stock: 7, held: 2 } });
		broker = await start("file", ...SERVICES);
		await callAction(broker, "v1.orders.pay", { id: paidBack.id }, as(buyer));
		await callAction(broker, "v1.orders.cancel", { id: cancelledBack.id }, as(buyer));
		await settled(id, { stock: 8, held: 0, supplied: 11 });
		expect(await callAction(broker, "v1.products.health", {})).toMatchObject({ status: "healthy" });
		expect(await breaches()).toEqual([]);
	},
	180_000,
);

onMongo("every document, setting and note is on the other side as it was", async () => {
	await fillFile(5);
	let { file, server } = await openBoth();
	const before = await contentsOf(file);
	expect(before.pages).toHaveLength(2);
	expect(before.values).toMatchObject({ STORE_ID: expect.any(String), CURRENCY: "IDR" });
	await closeBoth();

	const outcome = await move("to");
	expect(outcome).toMatchObject({
		...{
			from: join(settings.directory, "products.db"),
			to: expect.stringMatching(/^the database .*_products at /),
		},
		summary: { products: 5, stock: 489, supplied: 501, holds: 6, held: 12, pages: 2, restocks: 1 },
	});
	({ file, server } = await openBoth());
	expect(await contentsOf(server)).toEqual(before);
	expect(await contentsOf(file)).toEqual(before);
	await closeBoth();

	expect(await move("to")).toMatchObject({ summary: undefined });
	await move("from");
	({ file, server } = await openBoth());
	expect(await contentsOf(file)).toEqual(before);
	expect(await file.readMove()).toBeUndefined();
	expect(await server.readMove()).toMatchObject({ state: "moved", isOnServer: false });
});

onMongo(
	"the store that products have left refuses a start and the audit, by where they are now",
	async () => {
		await fillFile(2);
		await move("to");
		const where = `products were moved from products.db in ${settings.directory} to the database ${settings.namespace}_products at ${new URL(url).host}: set MONGO_URL to that server, or move them back by \`npm run products -- move --from MONGO_URL\``;
		expect(await refusal(start("file", "products"))).toBe(where);
		const sources = await openSources();
		expect(await refusal(checkMoved(sources))).toBe(where);
		await sources.close();

		await start("server", "products");
		await stop();
		await move("from");
		expect(await refusal(start("server", "products"))).toMatch(
			/^products were moved from the database .* to \/.*products\.db: unset MONGO_URL, or move them back by `[^`]* --to MONGO_URL`$/,
		);
		await start("file", "products");
	},
);

onMongo("a move is refused while products run, and where there are others already", async () => {
	expect(await refusal(move("to"))).toMatch(
		/^there are no products to move: .*products\.db is not there; set TOKO_DIR/,
	);
	expect(await refusal(move("from"))).toMatch(/^there are no products to move: the database .* is empty$/);
	await fillFile(2);
	// As a shop of its own would have it, which does not know the file.
	await forgetStores(jetStreamOf(await start("file")));
	await stop();
	const broker = await start("server", "products");
	expect(await refusal(move("to"))).toBe(
		`products run on the database ${settings.namespace}_products at ${new URL(url).host} in ${broker.nodeID}: stop them before they are moved`,
	);
	await newProduct(broker, 1);
	await stop();
	expect(await refusal(move("to"))).toMatch(
		/^the database .* has 1 products or pages of holds already: drop that database if nobody needs it, or name another server$/,
	);
	expect(await refusal(move("from"))).toMatch(
		/products\.db has 4 products or pages of holds already: move that file away, or set TOKO_DIR to another folder$/,
	);
	// Nothing was closed by that.
	await start("server", "products");
});

onMongo("a folder of another namespace, an unfinished copy and a move in progress are refused", async () => {
	await fillFile(2);
	const { TOKO_NAMESPACE } = settings.variables;
	setVariables({ TOKO_NAMESPACE: `${TOKO_NAMESPACE}b` });
	expect(await refusal(move("to"))).toMatch(
		new RegExp(
			`^TOKO_NAMESPACE is ${TOKO_NAMESPACE}b here, but .* is that of ${TOKO_NAMESPACE}: set TOKO_NAMESPACE=`,
		),
	);
	setVariables({ TOKO_NAMESPACE });

	const { file, server } = await openBoth();
	const other: Move = {
		state: "incoming",
		from: "products.db elsewhere",
		id: "other",
		token: "x",
		isBegun: true,
	};
	await server.replaceMove(undefined, other);
	await closeBoth();
	expect(await refusal(move("to"))).toBe(closedStore("products", server.where, other));
	expect(await refusal(move("from"))).toMatch(
		/has an incomplete copy of products\.db elsewhere: run `npm run/,
	);
	expect(await refusal(start("server", "products"))).toMatch(/^the database .* has an incomplete copy of /);
	await stop();
	expect(await file.readMove()).toBeUndefined();
});

/** Death of the process that moves. */
class Killed extends Error {}

/** Number of writes until the process dies: an odd number dies after the write, before its answer. */
interface Life {
	left: number;
}

const mortal =
	<A extends unknown[], R>(life: Life, write: (...parameters: A) => Promise<R>) =>
	async (...parameters: A): Promise<R> => {
		for (const isMade of [false, true]) {
			if (life.left-- <= 0) {
				if (isMade) {
					await write(...parameters);
				}
				throw new Killed();
			}
		}
		return write(...parameters);
	};

function mortalSide<S extends Side>(life: Life, side: S): S {
	const collection = <C extends Side["products"] | Side["pages"]>(adapter: C): C =>
		({
			find: adapter.find.bind(adapter),
			count: adapter.count.bind(adapter),
			inBatches: adapter.inBatches.bind(adapter),
			insertMany: mortal(life, (documents): Promise<unknown> => adapter.insertMany(documents as never)),
			removeMany: mortal(life, (query: object) => adapter.removeMany(query)),
		}) as unknown as C;
	return {
		...side,
		products: collection(side.products),
		pages: collection(side.pages),
		writeValues: mortal(life, side.writeValues),
		replaceMove: mortal(life, side.replaceMove),
	};
}

onMongo.each<Direction>(["to", "from"])(
	"killed at any write of a move %s the server, no product is lost and never both stores are open",
	async (direction) => {
		await fillFile(4);
		if (direction === "from") {
			await move("to");
		}
		const { file, server } = await openBoth();
		const [source, target] = direction === "to" ? [file, server] : [server, file];
		const before = await contentsOf(source);
		const closed = await target.readMove();
		const run = async (life: Life) => {
			let lease: Lease | undefined;
			const take = async (token: string, earlier?: string): Promise<Lease> => {
				lease = await takeLease(server.db, server.where, file.where, token, earlier);
				return { ...lease, close: mortal(life, lease.close) };
			};
			const sides = [mortalSide(life, source), mortalSide(life, target)] as const;
			const taken = direction === "to" ? async () => undefined : take;
			return moveBetween(...sides, taken, () => undefined).finally(() => lease?.release());
		};
		let kills = 0;
		for (let writes = 0; ; writes++) {
			const error = await run({ left: writes }).then(
				() => undefined,
				(thrown) => thrown,
			);
			if (error === undefined) {
				break;
			}
			expect(error).toBeInstanceOf(Killed);
			kills++;
			const isTargetOpen = (await target.readMove()) === undefined;
			if ((await source.readMove()) === undefined && isTargetOpen) {
				expect(await contentsOf(target)).toMatchObject({ products: [], pages: [] });
			}
			expect(await contentsOf(source)).toEqual(before);

			expect(await run({ left: Number.POSITIVE_INFINITY })).toMatchObject({ to: target.where });
			expect(await contentsOf(target)).toEqual(before);
			expect(await target.readMove()).toBeUndefined();
			expect(await source.readMove()).toMatchObject({ state: "moved", to: target.where });

			// As it was before, for the next round.
			await source.replaceMove({ state: "moved" }, undefined);
			await target.products.removeMany({});
			await target.pages.removeMany({});
			if (closed) {
				await target.replaceMove(undefined, closed);
			}
		}
		expect(kills).toBeGreaterThanOrEqual(10);
	},
	180_000,
);

onMongo("a copy of which a part is another's is made right", async () => {
	await fillFile(3);
	const { file, server } = await openBoth();
	const [first, second] = (await file.products.find({})) as [ProductDocument, ProductDocument];
	const id = (await file.readValues()).STORE_ID as string;
	const move: Move = { state: "incoming", from: file.where, id, token: "x", isBegun: true };
	await server.replaceMove(undefined, move);
	await server.products.insertMany([
		{ ...first, stock: 1 },
		{ ...second, _id: "of another time", holds: [] },
	]);
	await moveBetween(
		file,
		server,
		async () => undefined,
		() => undefined,
	);
	expect(await contentsOf(server)).toEqual(await contentsOf(file));
});

onMongo("the check finds every difference, also one that no total shows", async () => {
	await fillFile(3);
	const { file } = await openBoth();
	const none = () => undefined;
	const before = await summaryOf(file, none);
	expect(await summaryOf(file, none)).toEqual(before);
	const [{ _id, name }] = (await file.products.find({})) as [ProductDocument];
	await file.products.updateMany({ _id }, { $set: { name: "another" } });
	const after = await summaryOf(file, none);
	expect(after).toEqual({ ...before, digest: expect.any(String) });
	expect(after.digest).not.toBe(before.digest);
	await file.products.updateMany({ _id }, { $set: { name } });
	expect(await summaryOf(file, none)).toEqual(before);
});

/** Opens databases of their own. */
function openDatabases(count: number): Db[] {
	const client = new MongoClient(url);
	opened.push(client);
	return Array.from({ length: count }, (_, number) => client.db(`${settings.namespace}_${number}`));
}

const incoming: Move = { state: "incoming", from: "a file", id: "one", token: "two", isBegun: true };

onMongo(
	"of a process that starts and a move that begins at the same moment at most one goes on",
	async () => {
		const rounds = openDatabases(12).map(async (db) => {
			const close = async () => {
				await addMove(db, incoming);
				return runningProcesses(db);
			};
			const [process, running] = await Promise.allSettled([
				registerProcess(db, "one", String, () => undefined),
				close(),
			]);
			if (process.status === "fulfilled") {
				expect(running).toEqual({ status: "fulfilled", value: ["one"] });
				await process.value.stop();
				expect(await runningProcesses(db)).toEqual([]);
			}
		});
		await Promise.all(rounds);
	},
);

onMongo("a process that was killed counts no longer, nor does a move that was killed", async () => {
	const [processes, lease] = openDatabases(2) as [Db, Db];
	await processes
		.collection<{ _id: string; beats: number }>("processes")
		.insertOne({ _id: "dead", beats: 7 });
	await addMove(lease, { state: "outgoing", to: "a file", token: "dead", beats: 7 });
	const [running, registration] = await Promise.all([
		runningProcesses(processes),
		registerProcess(lease, "one", String, () => undefined),
	]);
	expect(running).toEqual([]);
	expect(await readMove(lease)).toBeUndefined();
	expect(await runningProcesses(lease)).toEqual(["one"]);
	await registration.stop();
});

onMongo("a move that is under way keeps processes from starting, and another move away", async () => {
	const [db] = openDatabases(1) as [Db];
	const lease = await takeLease(db, "the server", "a file", "one", undefined);
	const refused = /^products are being moved from the server to a file: wait until /;
	const refuse = (found: Move) => closedStore("products", "the server", found);
	expect(await refusal(registerProcess(db, "one", refuse, () => undefined))).toMatch(refused);
	expect(await refusal(takeLease(db, "the server", "another", "two", undefined))).toMatch(refused);
	// An earlier attempt of the same move, whose process is dead, is replaced at once, and can close nothing any more.
	const next = await takeLease(db, "the server", "a file", "three", "one");
	const moved: Move = { state: "moved", to: "a file", isOnServer: false, id: "id" };
	expect(await lease.close(moved)).toBe(false);
	await next.release();
	const registration = await registerProcess(db, "one", refuse, () => undefined);
	await registration.stop();
});

onMongo("a process that was taken for dead ends when it finds the store closed", async () => {
	const [db] = openDatabases(1) as [Db];
	const closed: string[] = [];
	const registration = await registerProcess(
		db,
		"one",
		({ state }) => state,
		(line) => closed.push(line),
	);
	await db.collection("processes").deleteMany({});
	await addMove(db, incoming);
	await eventually("its end", async () => closed.length > 0);
	expect(closed).toEqual(["incoming"]);
	await registration.stop();
});
