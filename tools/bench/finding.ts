import { setTimeout as wait } from "node:timers/promises";
import { getBorderCharacters, table } from "table";
import { SeededRandom } from "../seeded-random.ts";
import { cleanUp, importCatalogue, newFolder, readyAddress, run, startShop } from "../shop-process.ts";
import { median } from "./statistics.ts";
import { CATEGORIES, WORDS } from "./words.ts";

const FEW = 1000;
const MANY = 100_000;
/** Maximum ratio of the times with many and with few products that counts as good. */
export const RATIO_MAX = 1.5;
const SETTLE_MS = 15_000;
const WARM = 50;
const TIMES = 300;

/** Median response times of one request, in milliseconds. */
export interface Finding {
	store: string;
	request: string;
	few_ms: number;
	many_ms: number;
	ratio: number;
}

/** Sends the same requests over HTTP, in turn, to a shop with 1,000 products and to one with 100,000. */
export async function measureFinding(log: (line: string) => void): Promise<Finding[]> {
	const found: Finding[] = [];
	for (const store of ["NeDB file", "MongoDB-compatible server"]) {
		try {
			found.push(...(await onStore(store, log)));
		} finally {
			await cleanUp();
		}
	}
	return found;
}

async function onStore(store: string, log: (line: string) => void): Promise<Finding[]> {
	const few = await openShop(store, FEW, log);
	const many = await openShop(store, MANY, log);
	// Recent writes are checked again for some seconds.
	await wait(SETTLE_MS);
	const [ofFew, ofMany] = [await requests(few), await requests(many)];
	const found: Finding[] = [];
	for (const [number, [request, url]] of ofFew.entries()) {
		const [, manyUrl] = ofMany[number] as [string, string];
		const times = { few: [] as number[], many: [] as number[] };
		for (let time = 0; time < WARM + TIMES; time++) {
			times.few.push(await measure(few, url));
			times.many.push(await measure(many, manyUrl));
		}
		const few_ms = median(times.few.slice(WARM));
		const many_ms = median(times.many.slice(WARM));
		found.push({ store, request, few_ms, many_ms, ratio: many_ms / few_ms });
	}
	log(`${store}: measured ${found.length} requests, ${TIMES} times per shop`);
	return found;
}

/** Starts a shop with this number of products and returns its address. */
async function openShop(store: string, products: number, log: (line: string) => void): Promise<string> {
	const folder = newFolder();
	const environment: Record<string, string> = {};
	if (store !== "NeDB file") {
		environment.MONGO_URL = await readyAddress(run(folder, ["mongo"]), 300_000);
	}
	const { address } = await startShop(folder, environment);
	log(`${store}: importing ${products} products`);
	await importCatalogue(folder, catalogue(products), environment);
	return address;
}

function catalogue(products: number): string {
	const random = new SeededRandom(1);
	const lines = ["sku,name,description,price,stock,category"];
	for (let number = 0; number < products; number++) {
		const name = random.shuffle(WORDS).slice(0, 3).join(" ");
		const price = random.between(1, 1000) * 1000;
		lines.push(`B-${number},${name} ${number},,${price},${random.between(0, 50)},${random.pick(CATEGORIES)}`);
	}
	return `${lines.join("\n")}\n`;
}

/** Returns the measured requests by name. */
async function requests(address: string): Promise<[request: string, url: string][]> {
	const products = `${address}/api/v1/products`;
	const first = await fetch(`${products}?sort=price&min_price=500000&limit=20`);
	if (first.status !== 200) {
		throw new Error(`${first.url} returned ${first.status} ${await first.text()}`);
	}
	const next = /<([^>]+)>/.exec(first.headers.get("link") ?? "")?.[1] as string;
	const [{ id }] = (await first.json()) as [{ id: string }];
	return [
		["the first page", `${products}?limit=20`],
		["a page in the middle, by its cursor", `${address}${next}`],
		["a category, newest first", `${products}?category=kebun&sort=-created_at`],
		["a word", `${products}?q=kopi`],
		["two words, cheapest first", `${products}?q=kopi+jahe&sort=price`],
		["a range of prices, by name", `${products}?min_price=300000&max_price=400000&sort=name`],
		["in stock, most expensive first", `${products}?in_stock=true&sort=-price`],
		["a word in a category, in stock", `${products}?q=madu&category=dapur&in_stock=true`],
		["one product", `${products}/${id}`],
		["the categories", `${products}/categories`],
	];
}

/** Returns the response time of a request in milliseconds. */
async function measure(address: string, url: string): Promise<number> {
	await bypassCache(address);
	const started_at = performance.now();
	const response = await fetch(url);
	await response.arrayBuffer();
	if (response.status !== 200) {
		throw new Error(`${url} returned ${response.status}`);
	}
	return performance.now() - started_at;
}

/**
 * Makes the gateway bypass its response cache, which is not measured: it calls the service for a client that has just
 * tried to change something.
 */
async function bypassCache(address: string): Promise<void> {
	const headers = { authorization: "Bearer no.good.token" };
	const response = await fetch(`${address}/api/v1/users/verify`, { method: "POST", headers });
	await response.arrayBuffer();
}

/** Prints the results for a person to read. */
export function printFinding(found: Finding[]): void {
	const rows = found.map(({ store, request, few_ms, many_ms, ratio }) => [
		store,
		request,
		few_ms.toFixed(2),
		many_ms.toFixed(2),
		ratio.toFixed(2),
	]);
	const header = ["store", "request", `ms, ${FEW} products`, `ms, ${MANY} products`, "ratio"];
	console.log(
		table([header, ...rows], {
			border: getBorderCharacters("void"),
			drawHorizontalLine: () => false,
		}).trimEnd(),
	);
}
