import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { cleanUp } from "../shop-process.ts";
import { type Arrangement, type Count, MeasuredShop, type Store } from "./measured-shop.ts";

/** The measured costs, by arrangement of processes. */
export interface Costs extends Count {
	store: Store;
	rounds: number;
	arrangements: Arrangement[];
}

/**
 * Measures the cost of each operation by component. Two shops, one with a process for each service and one with a
 * single process, are measured in turn. The load of an idle shop is subtracted.
 */
export async function measureCosts(
	{ store, rounds }: { store: Store; rounds: number },
	log: (line: string) => void,
): Promise<Costs> {
	const mailServer = new Worker(new URL("./mail-sink.ts", import.meta.url), { workerData: "silent" });
	const shops: MeasuredShop[] = [];
	try {
		const [port] = (await once(mailServer, "message")) as [number];
		const count = { requests: 0, failed: new Map<string, number>() };
		for (const name of ["five processes", "one process"] as const) {
			log(`starting a shop of ${name}`);
			shops.push(await MeasuredShop.start(name, store, `smtp://127.0.0.1:${port}`, count));
		}
		for (const shop of shops) {
			await shop.warmUp();
			log(`${shop.name}: warm`);
		}
		for (let round = 1; round <= rounds; round++) {
			for (const shop of shops) {
				await shop.measure(round);
				log(`${shop.name}: round ${round} of ${rounds}`);
			}
		}
		return { store, rounds, arrangements: shops.map((shop) => shop.arrangement()), ...count };
	} finally {
		for (const shop of shops) {
			await shop.close();
		}
		await mailServer.terminate();
		await cleanUp();
	}
}
