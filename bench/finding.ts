import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { getBorderCharacters, table } from "table";
import { Chance } from "../test/chaos/chance.ts";
import { cleanUp, newFolder, run, startShop } from "../test/e2e/shop-process.ts";

const FEW = 1000;
const MANY = 100_000;
/** What the issue of growing allows: so much slower may a page of many be. */
export const RATIO_MAX = 1.5;
const SETTLE_MS = 15_000;
const WARM = 50;
const TIMES = 300;

const WORDS = [
	"kopi",
	"teh",
	"gula",
	"susu",
	"madu",
	"beras",
	"garam",
	"cabai",
	"jahe",
	"pala",
	"kayu",
	"manis",
];
const CATEGORIES = ["minuman", "dapur", "hadiah", "kebun", "rumah", "kantor", "sekolah", "olahraga"];

/** The median answer of one question, in milliseconds. */
export interface Finding {
	store: string;
	question: string;
	few_ms: number;
	many_ms: number;
	ratio: number;
}

/** Asks a shop with 1,000 products and with 100,000 the same questions, over HTTP, in one run. */
export async function measureFinding(say: (line: string) => void): Promise<Finding[]> {
	const found: Finding[] = [];
	try {
		for (const store of ["NeDB file", "MongoDB-compatible server"]) {
			found.push(...(await onStore(store, say)));
		}
	} finally {
		await cleanUp();
	}
	return found;
}

async function onStore(store: string, say: (line: string) => void): Promise<Finding[]> {
	const folder = newFolder();
	const environment: Record<string, string> = {};
	if (store !== "NeDB file") {
		const mongo = run(folder, ["mongo"]);
		environment.MONGO_URL = (await mongo.line(/^ready /, 300_000)).slice("ready ".length).trim();
	}
	const { address } = await startShop(folder, environment);
	const fill = async (from: number, to: number) => {
		say(`${store}: importing products up to ${to}`);
		const file = join(folder, `catalogue-${to}.csv`);
		writeFileSync(file, catalogue(from, to));
		const importing = run(folder, ["import", file], environment);
		if ((await importing.ended()) !== 0) {
			throw new Error(`npm run import failed:\n${importing.errors()}`);
		}
	};
	await fill(0, FEW);
	// What was written a moment ago is looked at again for some seconds.
	await wait(SETTLE_MS);
	const few = await ask(address, say);
	await fill(FEW, MANY);
	await wait(SETTLE_MS);
	const many = await ask(address, say);
	return few.map(([question, few_ms], number) => {
		const [, many_ms] = many[number] as [string, number];
		return { store, question, few_ms, many_ms, ratio: many_ms / few_ms };
	});
}

function catalogue(from: number, to: number): string {
	const chance = new Chance(from + 1);
	const lines = ["sku,name,description,price,stock,category"];
	for (let number = from; number < to; number++) {
		const name = chance.shuffle(WORDS).slice(0, 3).join(" ");
		const price = chance.between(1, 1000) * 1000;
		lines.push(`B-${number},${name} ${number},,${price},${chance.between(0, 50)},${chance.pick(CATEGORIES)}`);
	}
	return `${lines.join("\n")}\n`;
}

async function ask(address: string, say: (line: string) => void): Promise<[string, number][]> {
	const products = `${address}/api/v1/products`;
	const first = await fetch(`${products}?sort=price&min_price=500000&limit=20`);
	const next = /<([^>]+)>/.exec(first.headers.get("link") ?? "")?.[1] as string;
	const [{ id }] = (await first.json()) as [{ id: string }];
	const questions: [string, string][] = [
		["the first page", `${products}?limit=20`],
		["a page in the middle, by its cursor", `${address}${next}`],
		["a category, newest first", `${products}?category=kebun&sort=-created_at`],
		["a word", `${products}?q=kopi`],
		["two words, cheapest first", `${products}?q=kopi+jahe&sort=price`],
		["a range of prices, by name", `${products}?min_price=300000&max_price=400000&sort=name`],
		["in stock, dearest first", `${products}?in_stock=true&sort=-price`],
		["a word in a category, in stock", `${products}?q=madu&category=dapur&in_stock=true`],
		["one product", `${products}/${id}`],
		["the categories", `${products}/categories`],
	];
	const found: [string, number][] = [];
	for (const [question, url] of questions) {
		const times: number[] = [];
		for (let time = 0; time < WARM + TIMES; time++) {
			await askAnew(address);
			const begun = performance.now();
			const response = await fetch(url);
			await response.arrayBuffer();
			times.push(performance.now() - begun);
			if (response.status !== 200) {
				throw new Error(`${url} was answered ${response.status}`);
			}
		}
		const sorted = times.slice(WARM).sort((one, other) => one - other);
		found.push([question, sorted[TIMES / 2] as number]);
	}
	say(`asked ${questions.length} questions, ${TIMES} times each`);
	return found;
}

/** What a gateway keeps is not what is measured: it asks again for a client that has tried to change something. */
async function askAnew(address: string): Promise<void> {
	await (await fetch(`${address}/api/v1/users/verify`, { method: "POST" })).arrayBuffer();
}

/** For a person. */
export function printFinding(found: Finding[]): void {
	const rows = found.map(({ store, question, few_ms, many_ms, ratio }) => [
		store,
		question,
		few_ms.toFixed(2),
		many_ms.toFixed(2),
		ratio.toFixed(2),
	]);
	const header = ["store", "question", `ms of ${FEW}`, `ms of ${MANY}`, "ratio"];
	console.log(
		table([header, ...rows], {
			border: getBorderCharacters("void"),
			drawHorizontalLine: () => false,
		}).trimEnd(),
	);
}
