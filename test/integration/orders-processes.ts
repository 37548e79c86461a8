import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import type { Pool } from "pg";
import { childEnvironment, databaseUrl } from "../../config/settings.ts";
import { postgresPool } from "../../database/postgres-client.ts";
import type { Answer } from "./rest.ts";
import { eventually } from "./shop.ts";

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

/** Returns the numbers of answers by their status and code. */
export function tally(answers: Pick<Answer, "status" | "body">[]): Record<string, number> {
	const counts: Record<string, number> = {};
	for (const { status, body } of answers) {
		const name = [status, body?.code].filter(Boolean).join(" ");
		counts[name] = (counts[name] ?? 0) + 1;
	}
	return counts;
}
