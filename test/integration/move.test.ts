import { join } from "node:path";
import { expect } from "@jest/globals";
import type { ServiceBroker } from "moleculer";
import { settings } from "../../config/settings.ts";
import { callAction } from "../../contracts/actions.ts";
import { closedStore, type Move } from "../../database/store-move.ts";
import { jetStreamOf } from "../../events/stream.ts";
import { openSources } from "../../tools/audit/sources.ts";
import { checkMoved } from "../../tools/audit/stores.ts";
import { setVariables } from "../variables.ts";
import { newVariant } from "./grouped-products.ts";
import { admin, eventually, newProduct, newUser, type Person, SERVICES, stockOf } from "./shop.ts";
import { forgetStores, onMongo } from "./stores.ts";
import {
	breaches,
	closeBoth,
	contentsOf,
	fillFile,
	fillGroups,
	move,
	openBoth,
	refusal,
	start,
	stop,
	url,
} from "./two-stores.ts";

onMongo(
	"a moved shop keeps its orders, stock and position in the stream, to the server and back",
	async () => {
		let broker: ServiceBroker;
		const place = (buyer: Person, product_id: string) =>
			callAction(
				broker,
				"v1.orders.place",
				{ items: [{ product_id, quantity: 1 }] },
				{ meta: { token: buyer.token } },
			);
		const as = ({ token }: Person) => ({ meta: { token } });
		const settled = (id: string, expected: object) =>
			eventually("the holds to be settled", async () => {
				const row = await stockOf(broker, id);
				return Object.entries(expected).every(([name, value]) => row?.[name as "stock"] === value);
			});

		broker = await start("file", ...SERVICES);
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
);

onMongo("groups and their variants move too, and their options stay unique in both stores", async () => {
	const { id } = await fillGroups();
	let { file, server } = await openBoth();
	const before = await contentsOf(file);
	expect(before.groups).toHaveLength(2);
	await closeBoth();
	expect(await move("to")).toMatchObject({ summary: { products: 2, groups: 2 } });
	({ file, server } = await openBoth());
	expect(await contentsOf(server)).toEqual(before);
	await closeBoth();

	const again = async (store: "server" | "file") => {
		const broker = await start(store, "products");
		const group = await callAction(broker, "v1.products.getGroup", { id });
		expect(group.variants.map(({ options }) => options)).toEqual([
			{ "ukuran.cm": "M" },
			{ "ukuran.cm": "L" },
		]);
		await expect(newVariant(broker, id, { "ukuran.cm": "m" })).rejects.toMatchObject({
			type: "VARIANT_EXISTS",
		});
		await stop();
	};
	await again("server");
	expect(await move("from")).toMatchObject({ summary: { products: 2, groups: 2 } });
	await again("file");
});

onMongo("a move copies every document, setting and record of metadata unchanged", async () => {
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
	"the store that products were moved from refuses a start and the audit, and names the new store",
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

onMongo("a move is refused while products run, and to a store that is not empty", async () => {
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
