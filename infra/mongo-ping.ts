import { createRequire } from "node:module";
import { StartError } from "./start-error.ts";

/** As much of driver 3.7, which has no types, as is used here. */
interface MongoDriver {
	MongoClient: new (
		url: string,
		options: object,
	) => {
		connect(): Promise<unknown>;
		db(name: string): { command(command: object): Promise<Record<string, unknown>> };
		close(force: boolean): Promise<void>;
	};
}

/** The URL of a MongoDB server of our own. */
export function mongoUrl(port: number): string {
	return `mongodb://127.0.0.1:${port}`;
}

/**
 * Connects, runs one command on the admin database and answers its result; gives up after `patience_ms`.
 */
export async function pingMongo(
	url: string,
	patience_ms: number,
	command: Record<string, unknown> = { ping: 1 },
): Promise<Record<string, unknown>> {
	// Not loaded before it is needed, which with NeDB is never.
	const { MongoClient } = createRequire(import.meta.url)("mongodb") as MongoDriver;
	const client = new MongoClient(url, {
		useUnifiedTopology: true,
		serverSelectionTimeoutMS: patience_ms,
		connectTimeoutMS: patience_ms,
		socketTimeoutMS: patience_ms,
	});
	// Some errors of the driver leave connect() hanging: the deadline is our own.
	const late = new AbortController();
	try {
		return await Promise.race([
			client.connect().then(() => client.db("admin").command(command)),
			new Promise<never>((_, reject) => {
				const timer = setTimeout(() => reject(new StartError("no answer")), patience_ms + 500);
				late.signal.addEventListener("abort", () => clearTimeout(timer));
			}),
		]);
	} finally {
		late.abort();
		await client.close(true).catch(() => {});
	}
}
