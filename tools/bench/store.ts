import { join } from "node:path";
import { ServiceBroker } from "moleculer";
import DbService from "moleculer-db";
import { getBorderCharacters, table } from "table";
import { FileAdapter } from "../../database/document-file.ts";
import { newDocument } from "../../services/products/model.ts";
import { cleanUp, newFolder } from "../shop-process.ts";
import { median } from "./statistics.ts";

const ROUNDS = 5;
const ROUND_MS = 500;
const PRODUCTS = 1000;
const CASES = [1, 16, 64].flatMap((in_flight) =>
	[PRODUCTS, 1].map((products) => ({
		in_flight,
		products,
		of: `${in_flight} at once, ${products} products`,
	})),
);

/** Guarded updates per second, as medians of several rounds. */
export interface StoreSpeed {
	of: string;
	/** Rate of NeDB's own file, which loses writes on a power cut. */
	unsafe: number;
	/** Rate of the products' file, which confirms a write only when it is on disk. */
	durable: number;
}

interface Adapter {
	init(broker: ServiceBroker, service: object): void;
	connect(): Promise<void>;
	disconnect(): Promise<void>;
	insertMany(documents: object[]): Promise<unknown>;
	updateMany(query: object, update: object): Promise<number>;
}

/** Measures the cost of durable writes in the products' file: both files in turn in one run. */
export async function measureStore(): Promise<StoreSpeed[]> {
	const folder = newFolder();
	const unsafe = new DbService.MemoryAdapter({ filename: join(folder, "unsafe.db") }) as unknown as Adapter;
	const durable = new FileAdapter(join(folder, "durable.db")) as unknown as Adapter;
	const fields = { name: "Kopi Gayo 250 g", description: "Biji sangrai. ".repeat(20), category: "kopi" };
	const documents = Array.from({ length: PRODUCTS }, () =>
		newDocument({ ...fields, price: 92_000, stock: 1e9 }),
	);
	const ids = documents.map(({ _id }) => _id);
	const broker = new ServiceBroker({ logger: false });
	try {
		for (const adapter of [unsafe, durable]) {
			adapter.init(broker, {});
			await adapter.connect();
			await adapter.insertMany(documents);
		}
		const rates = CASES.map(() => ({ unsafe: [] as number[], durable: [] as number[] }));
		for (let round = 0; round < ROUNDS; round++) {
			for (const [number, { in_flight, products }] of CASES.entries()) {
				rates[number]?.unsafe.push(await rate(unsafe, ids.slice(0, products), in_flight));
				rates[number]?.durable.push(await rate(durable, ids.slice(0, products), in_flight));
			}
		}
		await durable.disconnect();
		return rates.map((rate, number) => ({
			of: CASES[number]?.of as string,
			unsafe: median(rate.unsafe),
			durable: median(rate.durable),
		}));
	} finally {
		await cleanUp();
	}
}

/** Returns the updates per second with this number in flight. */
async function rate(adapter: Adapter, ids: string[], in_flight: number): Promise<number> {
	const started_at = performance.now();
	let updates = 0;
	const work = async () => {
		while (performance.now() - started_at < ROUND_MS) {
			const _id = ids[updates++ % ids.length];
			await adapter.updateMany({ _id, stock: { $gte: 1 } }, { $inc: { stock: -1 } });
		}
	};
	await Promise.all(Array.from({ length: in_flight }, work));
	return (updates * 1000) / (performance.now() - started_at);
}

export function printStore(found: StoreSpeed[]): void {
	const rows = found.map(({ of, unsafe, durable }) => [
		of,
		unsafe.toFixed(0),
		durable.toFixed(0),
		(durable / unsafe).toFixed(2),
	]);
	console.log(
		table([["guarded updates a second", "NeDB's file", "durable file", "ratio"], ...rows], {
			border: getBorderCharacters("void"),
			columnDefault: { alignment: "right", paddingLeft: 0, paddingRight: 2 },
			columns: { 0: { alignment: "left" } },
			drawHorizontalLine: () => false,
		}).trimEnd(),
	);
}
