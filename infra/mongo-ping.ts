import { createRequire } from "node:module";
import { StartError } from "./start-error.ts";

/** The subset used here of the API of driver 3.7, which has no types. */
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

/** Returns the URL of a MongoDB server that Toko started. */
export function mongoUrl(port: number): string {
	return `mongodb://127.0.0.1:${port}`;
}

/** Connects, runs one command on the admin database, and returns its result. Fails after `patience_ms`. */
export async function pingMongo(
	url: string,
	patience_ms: number,
	command: Record<string, unknown> = { ping: 1 },
): Promise<Record<string, unknown>> {
	// Loaded only when needed: with NeDB it never is.
	const { MongoClient } = createRequire(import.meta.url)("mongodb") as MongoDriver;
	const client = new MongoClient(url, {
		useUnifiedTopology: true,
		serverSelectionTimeoutMS: patience_ms,
		connectTimeoutMS: patience_ms,
		socketTimeoutMS: patience_ms,
	});
	// After some errors, the driver's connect() never settles, so the time limit is enforced here.
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
