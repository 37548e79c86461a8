import { StartError } from "./start-error.ts";

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
	const { MongoClient } = await import("mongodb");
	const client = new MongoClient(url, {
		serverSelectionTimeoutMS: patience_ms,
		connectTimeoutMS: patience_ms,
		socketTimeoutMS: patience_ms,
	});
	// The driver's limits apply to each step of connecting, this one to all of them.
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
		await client.close().catch(() => {});
	}
}
