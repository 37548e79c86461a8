import { fork } from "node:child_process";
import { once } from "node:events";
import { expect } from "@jest/globals";
import { MongoClient } from "mongodb";
import { childEnvironment, settings } from "../../config/settings.ts";
import { MOVE, readMove } from "../../database/store-move.ts";
import type { ProductDocument } from "../../services/products/documents.ts";
import { newDocument } from "../../services/products/model.ts";
import { metadataOfFile } from "../../tools/audit/product-file.ts";
import type { Direction } from "../../tools/move/move.ts";
import { openFile, openServer, productsFile, type Side } from "../../tools/move/sides.ts";
import { type Summary, summaryOf } from "../../tools/move/summary.ts";
import { SeededRandom } from "../../tools/seeded-random.ts";
import { mongoUrl, onMongo } from "./stores.ts";

const url = mongoUrl as string;

const PRODUCTS = 900;
const KILLS = 4;
const seed = Date.now() % 1_000_000;
const chance = new SeededRandom(seed);

/** Writes products, each with a hold, and pages of holds. */
async function fillFile(): Promise<void> {
	const side = await openFile();
	const expires_at = new Date(Date.now() + 1_800_000).toISOString();
	const hold = (reservation_id: string) => ({ reservation_id, quantity: 2, expires_at });
	const products = Array.from({ length: PRODUCTS }, (_, number): ProductDocument => {
		const given = { name: `Kopi ${number}`, description: "", price: 1000, stock: number, category: "kopi" };
		const product = newDocument(given);
		return {
			...product,
			supplied: number + 4,
			holds: [hold(`own ${number}`)],
			hold_pages: { [`page ${number}`]: 0 },
		};
	});
	await side.products.insertMany(products);
	await side.pages.insertMany(
		products.map(({ _id, created_at }, number) => ({
			...{
				_id: `page ${number}`,
				product_id: _id,
				holds: [hold(`paged ${number}`)],
				returned: 0,
				created_at,
			},
		})),
	);
	await side.close();
}

async function summary(open: () => Promise<Side>): Promise<Summary> {
	const side = await open();
	const found = await summaryOf(side, () => undefined);
	await side.close();
	return found;
}

/** Returns the names of the stores that have products and on which a products process would start. */
async function openStores(): Promise<string[]> {
	const client = await MongoClient.connect(url);
	const db = client.db(`${settings.namespace}_products`);
	const onServer = await readMove(db);
	const isEmpty = (await db.collection("products").findOne()) === null;
	await client.close();
	// A move from the server that has died closes nothing: the next start removes its note.
	const isServerOpen = !isEmpty && (onServer === undefined || onServer.state === "outgoing");
	const isFileOpen = (await metadataOfFile(productsFile()))[MOVE] === undefined;
	return [...(isFileOpen ? ["file"] : []), ...(isServerOpen ? ["server"] : [])];
}

/** Moves, and kills the process when it has done this share of its work. Returns true if it had ended before. */
async function moveUntil(direction: Direction, share: number): Promise<boolean> {
	const child = fork(new URL("./move-process.ts", import.meta.url), [direction, url], {
		execArgv: ["--no-warnings"],
		env: childEnvironment(),
		stdio: ["ignore", "inherit", "inherit", "ipc"],
	});
	child.on("message", (message: { share: number }) => {
		if (message.share >= share) {
			child.kill("SIGKILL");
		}
	});
	const [code, signal] = await once(child, "exit");
	expect([0, "SIGKILL"]).toContain(signal ?? code);
	return code === 0;
}

onMongo(
	`a move that is killed at random moments loses nothing, there and back (seed ${seed})`,
	async () => {
		await fillFile();
		const before = await summary(openFile);
		expect(before).toMatchObject({
			products: PRODUCTS,
			holds: 2 * PRODUCTS,
			held: 4 * PRODUCTS,
			pages: PRODUCTS,
		});
		for (const direction of ["to", "from"] as const) {
			const [from, to] = direction === "to" ? ["file", "server"] : ["server", "file"];
			let isMoved = false;
			for (let kills = 0; kills < KILLS && !isMoved; kills++) {
				isMoved = await moveUntil(direction, chance.between(0, 1000) / 1000);
				const open = await openStores();
				expect([[from], [to], []]).toContainEqual(open);
			}
			expect(await moveUntil(direction, Number.POSITIVE_INFINITY)).toBe(true);
			expect(await openStores()).toEqual([to]);
			expect(await summary(to === "server" ? () => openServer(url) : openFile)).toEqual(before);
		}
	},
	300_000,
);
