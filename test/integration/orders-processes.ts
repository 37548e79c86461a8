import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import type { ServiceBroker } from "moleculer";
import type { Pool } from "pg";
import { childEnvironment, databaseUrl } from "../../config/settings.ts";
import { postgresPool } from "../../database/postgres-client.ts";
import { copyTemplates } from "../database-templates.ts";
import { KeyedClient } from "./keyed-client.ts";
import type { Answer } from "./rest.ts";
import { admin, eventually, newUser, type Person, startGateway, startNode } from "./shop.ts";

const PROGRAM = join(import.meta.dirname, "orders-process.ts");

/** Processes with orders only, in the shop of a test, which kills them. */
export class OrdersProcesses {
	/** The database of orders. */
	readonly pool: Pool = postgresPool({ connectionString: databaseUrl("orders"), max: 1 });
	readonly #processes = new Set<ChildProcess>();

	/** Starts a process with these variables besides those of the test. Resolves when it is ready. */
	async start(variables: Record<string, string> = {}): Promise<ChildProcess> {
		const { NODE_OPTIONS, ...inherited } = childEnvironment();
		const child = spawn(process.execPath, ["--no-deprecation", PROGRAM], {
			env: { ...inherited, ...variables },
			stdio: ["ignore", "pipe", "inherit"],
		});
		this.#processes.add(child);
		await once(child.stdout as NonNullable<typeof child.stdout>, "data");
		return child;
	}

	/** Ends a process, and waits until it has ended. */
	async end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
		const ending = once(child, "exit");
		this.#processes.delete(child);
		child.kill(signal);
		await ending;
	}

	/** Kills the process that has run longest, and starts another one, each time that so many answers are there. */
	async killAt(counts: number[], answered: () => number): Promise<void> {
		for (const count of counts) {
			await eventually(`${count} answers`, async () => answered() >= count);
			await this.end([...this.#processes][0] as ChildProcess, "SIGKILL");
			await this.start();
		}
	}

	async stop(): Promise<void> {
		await Promise.all([...this.#processes].map((child) => this.end(child, "SIGTERM")));
		await this.pool.end();
	}
}

/** A shop whose orders are in processes of their own, and all else in the test. */
export interface RacedShop {
	/** Users and products. */
	shop: ServiceBroker;
	address: string;
	client: KeyedClient;
	keeper: Person;
	/** Returns the buyer of a place, of whom there are fewer: passwords are slow to hash. */
	buyer(place: number): Person;
	stop(): Promise<void>;
}

/** Starts a shop with two processes of orders and so many buyers. */
export async function startRacedShop(processes: OrdersProcesses, accounts: number): Promise<RacedShop> {
	await copyTemplates(["orders"]);
	const shop = await startNode("users", "products");
	const { gateway, address } = await startGateway();
	await Promise.all([processes.start(), processes.start()]);
	await gateway.waitForServices({ name: "orders", version: 1 });
	const keeper = await admin(shop);
	const buyers: Person[] = [];
	// One after the other: on a busy machine, a queue of them is refused.
	while (buyers.length < accounts) {
		buyers.push(await newUser(shop));
	}
	return {
		...{ shop, address, keeper, client: new KeyedClient(address) },
		buyer: (place) => buyers[place % accounts] as Person,
		async stop() {
			await processes.stop();
			await gateway.stop();
			await shop.stop();
		},
	};
}

/** Returns the numbers of answers by their status and code. */
export function tally(answers: Pick<Answer, "status" | "body">[]): Record<string, number> {
	const counts: Record<string, number> = {};
	for (const { status, body } of answers) {
		const name = [status, body?.code].filter(Boolean).join(" ");
		counts[name] = (counts[name] ?? 0) + 1;
	}
	return counts;
}
