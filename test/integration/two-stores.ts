import { randomBytes, randomUUID } from "node:crypto";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach } from "@jest/globals";
import type { Middleware, ServiceBroker } from "moleculer";
import { type Db, MongoClient } from "mongodb";
import { replaceSettings, settings } from "../../config/settings.ts";
import { callAction } from "../../contracts/actions.ts";
import { asService } from "../../middlewares/permissions.ts";
import type { DocumentService } from "../../mixins/documents.ts";
import type { HoldPage, ProductDocument } from "../../services/products/documents.ts";
import { moveOldest } from "../../services/products/hold-paging.ts";
import { audit } from "../../tools/audit/audit.ts";
import { openSources } from "../../tools/audit/sources.ts";
import { checkStores } from "../../tools/audit/stores.ts";
import { type Direction, moveProducts } from "../../tools/move/move.ts";
import { openFile, openServer, type Side } from "../../tools/move/sides.ts";
import { canonical } from "../../tools/move/summary.ts";
import { setVariables, testFolder } from "../variables.ts";
import { newGroup, newVariant } from "./grouped-products.ts";
import { newProduct, startNodeWith } from "./shop.ts";
import { mongoUrl } from "./stores.ts";

export const url = mongoUrl as string;

const { variables } = settings;
let opened: { close(): Promise<unknown> }[] = [];
const started: ServiceBroker[] = [];

/** Nodes that fail to start must be stopped, too. */
const noteNode: Middleware = { name: "NoteNode", created: (broker) => void started.push(broker) };

/** Each test of a file that imports this one has its own shop. */
beforeEach(() => {
	const name = `${variables.TOKO_NAMESPACE}_${randomBytes(3).toString("hex")}`;
	const TOKO_DIR = join(testFolder, name);
	mkdirSync(TOKO_DIR);
	setVariables({ TOKO_NAMESPACE: name, TOKO_DIR });
});

afterEach(async () => {
	await stop();
	await Promise.all(opened.map((one) => one.close()));
	opened = [];
	replaceSettings(variables);
});

/** Starts the shop on the server or on the file. */
export async function start(store: "server" | "file", ...names: string[]): Promise<ServiceBroker> {
	setVariables({ MONGO_URL: store === "server" ? url : undefined });
	return startNodeWith([noteNode], ...names);
}

export async function stop(): Promise<void> {
	await Promise.all(started.splice(0).map((broker) => broker.stop()));
}

export const refusal = (work: Promise<unknown>) =>
	work.then(
		() => "",
		({ message }) => message as string,
	);

export const move = (direction: Direction) =>
	moveProducts(direction, url, () => undefined, new Promise<never>(() => undefined));

/** Opens both stores. Nobody else may have the file open. */
export async function openBoth(): Promise<{ file: Side; server: Awaited<ReturnType<typeof openServer>> }> {
	const both = { file: await openFile(), server: await openServer(url) };
	opened.push(both.file, both.server);
	return both;
}

export async function closeBoth(): Promise<void> {
	await Promise.all(opened.splice(0).map((one) => one.close()));
}

/** Everything that a store has, in a form that can be compared. */
export async function contentsOf(side: Side) {
	const [products, pages, groups] = await Promise.all([
		side.products.find({}),
		side.pages.find({}),
		side.groups.find({}),
	]);
	const sorted = (documents: { _id: string }[]) => documents.map(canonical).sort();
	return {
		...{ products: sorted(products), pages: sorted(pages), groups: sorted(groups) },
		values: await side.readValues(),
	};
}

export async function breaches() {
	const sources = await openSources();
	await checkStores(sources);
	const found = await audit(sources, 20_000);
	await sources.close();
	return found.breaches.map(({ document, what }) => `${document} ${what}`);
}

/** Fills the products' file with products, holds in two pages, and a restock, without a shop. */
export async function fillFile(products: number): Promise<void> {
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

/** Adds a group with two variants to the products' file, and one that was removed, without a shop. Returns the first. */
export async function fillGroups(): Promise<{ id: string }> {
	const broker = await start("file", "products");
	const [group, removed] = [await newGroup(broker, "ukuran.cm"), await newGroup(broker, "ukuran.cm")];
	await newVariant(broker, group.id, { "ukuran.cm": "M" });
	await newVariant(broker, group.id, { "ukuran.cm": "L" });
	await callAction(broker, "v1.products.removeGroup", { id: removed.id }, asService());
	await stop();
	return group;
}

/** Opens databases of their own. */
export function openDatabases(count: number): Db[] {
	const client = new MongoClient(url);
	opened.push(client);
	return Array.from({ length: count }, (_, number) => client.db(`${settings.namespace}_${number}`));
}
