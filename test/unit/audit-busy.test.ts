import { appendFile, mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { expect, jest, test } from "@jest/globals";
import type { Snapshot } from "../../database/audit.ts";
import { followInFile } from "../../tools/audit/product-file.ts";
import { printAudit } from "../../tools/audit/report.ts";
import type { Sources, Stock } from "../../tools/audit/snapshot.ts";
import { checkStock } from "../../tools/audit/stock.ts";

/** Returns sources with a product that changes at each read, and `since` units sold by concurrent orders. */
function busy(sold: number, since: number): Sources {
	let read = 0;
	const product = () =>
		({
			...{ _id: "p", sku: "p", name: "Kopi", price_minor: 1, supplied: 10, holds: [], created_at: "" },
			ledger_sums: { create: 10 },
			stock: 10 - (read++ % 2),
		}) as unknown as Stock;
	const query = async (sql: string) =>
		sql.includes("clock_timestamp")
			? [{ now: "" }]
			: sql.includes("AS since")
				? [{ product_id: "p", quantity: sold, since }]
				: [];
	return {
		nats: { jetstreamManager: async () => ({ consumers: { info: async () => undefined } }) },
		snapshot: (_: string, look: (query: Snapshot) => unknown) => look(query as Snapshot),
		products: async function* () {
			yield product();
		},
		following: async function* () {
			for (;;) {
				yield new Map([["p", product()]]);
			}
		},
	} as unknown as Sources;
}

test("a product that changes all the time is named where nobody can tell what was sold", async () => {
	const [units] = await checkStock(busy(1, 1));
	expect(units).toMatchObject({ findings: [], not_judged: ["product p (Kopi)"], in_progress: 1 });
});

test("a product that changes all the time is judged where no number of sold units fits", async () => {
	const [units] = await checkStock(busy(3, 1));
	expect(units?.findings).toEqual([
		expect.objectContaining({ what: expect.stringMatching(/^supplied 10 ≠ stock \d+ \+ held 0 \+ sold 3$/) }),
	]);
	expect(units?.not_judged).toEqual([]);
});

test("a product in a file is read again by what was added meanwhile, also where that is nothing", async () => {
	const file = join(await mkdtemp(join(tmpdir(), "toko-follow-")), "products.db");
	await writeFile(file, '{"_id":"p","stock":1}\n{"_id":"q","stock":5}\n');
	const following = followInFile(file, new Set(["p"]));
	const stock = async () =>
		[...((await following.next()).value ?? [])].map(([id, product]) => [id, product.stock]);
	expect(await stock()).toEqual([["p", 1]]);
	expect(await stock()).toEqual([["p", 1]]);
	await appendFile(file, '{"_id":"p","stock":2}\n{"_id":"p","sto');
	expect(await stock()).toEqual([["p", 2]]);
	await appendFile(file, 'ck":3}\n');
	expect(await stock()).toEqual([["p", 3]]);
	await rename(file, `${file}.old`);
	await writeFile(file, "");
	expect(await stock()).toEqual([]);
	await following.return();
	await rm(dirname(file), { recursive: true });
});

test("what to do is printed once for each check that found something, and what was not judged by its name", () => {
	const lines: string[] = [];
	const log = jest.spyOn(console, "log").mockImplementation((line) => void lines.push(String(line)));
	const findings = [
		{ document: "order 1", what: "is lost" },
		{ document: "order 2", what: "is lost" },
	];
	const empty = { checked: 1, in_progress: 0, findings: [] };
	printAudit({
		results: [
			{ ...empty, check: "one", remedy: "Find it.", findings },
			{ ...empty, check: "other", remedy: "Nothing.", not_judged: ["product p"] },
		],
		breaches: findings.map((finding) => ({ check: "one", ...finding })),
	});
	log.mockRestore();
	expect(lines.slice(1)).toEqual([
		"BREACH order 1 is lost",
		"BREACH order 2 is lost",
		"TO DO  one: Find it.",
		"NOT JUDGED product p: it changed during each check; audit again when fewer orders arrive",
		"2 breaches, 1 not judged",
	]);
});
